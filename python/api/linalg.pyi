# Functions of mlx.core.linalg; see core.pyi.

def norm(a: array, /, ord: order = None, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array:
    "Norms of vectors or matrices."
    rust("linalg::norm(a, ord, axis, keepdims)")
def cross(a: array, b: array, axis: int = -1, *, stream: stream = None) -> array:
    "Cross products."
    rust("linalg::cross(a, b, axis)")
def qr(a: array, *, stream: stream = None) -> tuple2:
    "Orthonormal columns and a triangle."
    rust("linalg::qr(a)")
def svd(a: array, compute_uv: bool = True, *, stream: stream = None) -> any:
    "U, singular values and V', or the singular values alone."
    rust("convert::svd(a, compute_uv)")
def inv(a: array, *, stream: stream = None) -> array:
    "The inverse."
    rust("linalg::inv(a)")
def pinv(a: array, *, stream: stream = None) -> array:
    "The pseudo-inverse."
    rust("linalg::pinv(a)")
def tri_inv(a: array, upper: bool = False, *, stream: stream = None) -> array:
    "The inverse of triangular matrices."
    rust("linalg::tri_inv(a, upper)")
def cholesky(a: array, upper: bool = False, *, stream: stream = None) -> array:
    "The triangular factor of positive definite matrices."
    rust("linalg::cholesky(a, upper)")
def cholesky_inv(a: array, upper: bool = False, *, stream: stream = None) -> array:
    "The inverse of the matrices with these Cholesky factors."
    rust("linalg::cholesky_inv(a, upper)")
def lu(a: array, *, stream: stream = None) -> tuple:
    "Row order, L and U."
    rust("linalg::lu(a).map(|(p, l, u)| vec![p, l, u])")
def lu_factor(a: array, *, stream: stream = None) -> tuple2:
    "L and U in one matrix, and the rows exchanged."
    rust("linalg::lu_factor(a)")
def eigh(a: array, UPLO: str = "L", *, stream: stream = None) -> tuple2:
    "Eigenvalues and eigenvectors of symmetric matrices."
    rust("linalg::eigh(a, UPLO == \"U\")")
def eigvalsh(a: array, UPLO: str = "L", *, stream: stream = None) -> array:
    "Eigenvalues of symmetric matrices."
    rust("linalg::eigh(a, UPLO == \"U\").map(|(w, _)| w)")
def solve(a: array, b: array, *, stream: stream = None) -> array:
    "x with a x = b."
    rust("convert::solve(a, b)")
def solve_triangular(a: array, b: array, *, upper: bool = False, stream: stream = None) -> array:
    "x with a x = b for triangular a."
    rust("linalg::solve_triangular(a, b, upper)")
def det(a: array, *, stream: stream = None) -> array:
    "Determinants."
    rust("linalg::det(a)")
def slogdet(a: array, *, stream: stream = None) -> tuple2:
    "Sign and logarithm of the size of determinants."
    rust("linalg::slogdet(a)")
def eig(a: array, *, stream: stream = None) -> tuple2:
    "Eigenvalues and eigenvectors of square matrices, complex."
    rust("linalg::eig(a)")
def eigvals(a: array, *, stream: stream = None) -> array:
    "Eigenvalues of square matrices, complex."
    rust("linalg::eig(a).map(|(w, _)| w)")

# Made by scripts/bindings.py from python/api/linalg.pyi. Do not edit.

from typing import Any, Sequence

from mlx.core import ArrayLike, Device, DeviceType, Dtype, Stream, ThreadLocalStream, array, float32, int32, scalar

def norm(a: scalar | array | ArrayLike, /, ord: int | float | str | None = None, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Norms of vectors or matrices."""

def cross(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, axis: int = -1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Cross products."""

def qr(a: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> tuple[array, array]:
    """Orthonormal columns and a triangle."""

def svd(a: scalar | array | ArrayLike, compute_uv: bool = True, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> Any:
    """U, singular values and V', or the singular values alone."""

def inv(a: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The inverse."""

def pinv(a: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The pseudo-inverse."""

def tri_inv(a: scalar | array | ArrayLike, upper: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The inverse of triangular matrices."""

def cholesky(a: scalar | array | ArrayLike, upper: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The triangular factor of positive definite matrices."""

def cholesky_inv(a: scalar | array | ArrayLike, upper: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The inverse of the matrices with these Cholesky factors."""

def lu(a: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> tuple[array, ...]:
    """Row order, L and U."""

def lu_factor(a: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> tuple[array, array]:
    """L and U in one matrix, and the rows exchanged."""

def eigh(a: scalar | array | ArrayLike, UPLO: str = 'L', *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> tuple[array, array]:
    """Eigenvalues and eigenvectors of symmetric matrices."""

def eigvalsh(a: scalar | array | ArrayLike, UPLO: str = 'L', *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Eigenvalues of symmetric matrices."""

def solve(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """x with a x = b."""

def solve_triangular(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, *, upper: bool = False, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """x with a x = b for triangular a."""

def det(a: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Determinants."""

def slogdet(a: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> tuple[array, array]:
    """Sign and logarithm of the size of determinants."""

def eig(a: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> tuple[array, array]:
    """Eigenvalues and eigenvectors of square matrices, complex."""

def eigvals(a: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Eigenvalues of square matrices, complex."""


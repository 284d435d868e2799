# Functions of mlx.core.fft; see core.pyi.

def fft(a: array, n: int = None, axis: int = -1, norm: str = "backward", stream: stream = None) -> array:
    "Transform of one axis."
    rust("fft::one(a, n, axis, norm, FftKind::Complex, false)")
def fft2(a: array, s: intseq = None, axes: intseq = [-2, -1], norm: str = "backward", stream: stream = None) -> array:
    "Transform of two axes."
    rust("fft::several(a, s, axes, norm, FftKind::Complex, false)")
def fftn(a: array, s: intseq = None, axes: intseq = None, norm: str = "backward", stream: stream = None) -> array:
    "Transform of several axes."
    rust("fft::several(a, s, axes, norm, FftKind::Complex, false)")
def ifft(a: array, n: int = None, axis: int = -1, norm: str = "backward", stream: stream = None) -> array:
    "Inverse transform of one axis."
    rust("fft::one(a, n, axis, norm, FftKind::Complex, true)")
def ifft2(a: array, s: intseq = None, axes: intseq = [-2, -1], norm: str = "backward", stream: stream = None) -> array:
    "Inverse transform of two axes."
    rust("fft::several(a, s, axes, norm, FftKind::Complex, true)")
def ifftn(a: array, s: intseq = None, axes: intseq = None, norm: str = "backward", stream: stream = None) -> array:
    "Inverse transform of several axes."
    rust("fft::several(a, s, axes, norm, FftKind::Complex, true)")
def rfft(a: array, n: int = None, axis: int = -1, norm: str = "backward", stream: stream = None) -> array:
    "Transform of one axis of real numbers: the nonnegative frequencies."
    rust("fft::one(a, n, axis, norm, FftKind::Real, false)")
def rfft2(a: array, s: intseq = None, axes: intseq = [-2, -1], norm: str = "backward", stream: stream = None) -> array:
    "Transform of two axes of real numbers: the nonnegative frequencies."
    rust("fft::several(a, s, axes, norm, FftKind::Real, false)")
def rfftn(a: array, s: intseq = None, axes: intseq = None, norm: str = "backward", stream: stream = None) -> array:
    "Transform of several axes of real numbers: the nonnegative frequencies."
    rust("fft::several(a, s, axes, norm, FftKind::Real, false)")
def irfft(a: array, n: int = None, axis: int = -1, norm: str = "backward", stream: stream = None) -> array:
    "Inverse of rfft."
    rust("fft::one(a, n, axis, norm, FftKind::Real, true)")
def irfft2(a: array, s: intseq = None, axes: intseq = [-2, -1], norm: str = "backward", stream: stream = None) -> array:
    "Inverse of rfft."
    rust("fft::several(a, s, axes, norm, FftKind::Real, true)")
def irfftn(a: array, s: intseq = None, axes: intseq = None, norm: str = "backward", stream: stream = None) -> array:
    "Inverse of rfft."
    rust("fft::several(a, s, axes, norm, FftKind::Real, true)")
def fftshift(a: array, axes: axes = None, stream: stream = None) -> array:
    "Zero frequency moved to the middle."
    rust("ops::fftshift(a, axes, false)")
def ifftshift(a: array, axes: axes = None, stream: stream = None) -> array:
    "Zero frequency moved to the beginning."
    rust("ops::fftshift(a, axes, true)")
def fftfreq(n: int, d: float = 1.0, stream: stream = None) -> array:
    "The frequencies of a transform."
    rust("ops::fftfreq(convert::count(\"fftfreq\", n)?, d, false)")
def rfftfreq(n: int, d: float = 1.0, stream: stream = None) -> array:
    "The frequencies of a transform of real numbers."
    rust("ops::fftfreq(convert::count(\"rfftfreq\", n)?, d, true)")
def stft(x: array, n_fft: int = 2048, hop_length: int = None, win_length: int = None, window: array = None, center: bool = True, pad_mode: str = "reflect", norm: str = "backward", onesided: bool = None, stream: stream = None) -> array:
    "Transforms of overlapping frames of the last axis."
    rust("fft::stft(x, n_fft, hop_length, win_length, window, center, pad_mode, norm, onesided)")
def istft(stft_matrix: array, n_fft: int = None, hop_length: int = None, win_length: int = None, window: array = None, center: bool = True, norm: str = "backward", onesided: bool = None, length: int = None, stream: stream = None) -> array:
    "Signals from the transforms of their frames."
    rust("fft::istft(stft_matrix, n_fft, hop_length, win_length, window, center, norm, onesided, length)")

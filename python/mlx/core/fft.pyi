# Made by scripts/bindings.py from python/api/fft.pyi. Do not edit.

from typing import Any, Sequence

from mlx.core import ArrayLike, Device, DeviceType, Dtype, Stream, ThreadLocalStream, array, float32, int32, scalar

def fft(a: scalar | array | ArrayLike, n: int | None = None, axis: int = -1, norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Transform of one axis."""

def fft2(a: scalar | array | ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = [-2, -1], norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Transform of two axes."""

def fftn(a: scalar | array | ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Transform of several axes."""

def ifft(a: scalar | array | ArrayLike, n: int | None = None, axis: int = -1, norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse transform of one axis."""

def ifft2(a: scalar | array | ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = [-2, -1], norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse transform of two axes."""

def ifftn(a: scalar | array | ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse transform of several axes."""

def rfft(a: scalar | array | ArrayLike, n: int | None = None, axis: int = -1, norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Transform of one axis of real numbers: the nonnegative frequencies."""

def rfft2(a: scalar | array | ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = [-2, -1], norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Transform of two axes of real numbers: the nonnegative frequencies."""

def rfftn(a: scalar | array | ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Transform of several axes of real numbers: the nonnegative frequencies."""

def irfft(a: scalar | array | ArrayLike, n: int | None = None, axis: int = -1, norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse of rfft."""

def irfft2(a: scalar | array | ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = [-2, -1], norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse of rfft."""

def irfftn(a: scalar | array | ArrayLike, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = 'backward', stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse of rfft."""

def fftshift(a: scalar | array | ArrayLike, axes: int | Sequence[int] | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Zero frequency moved to the middle."""

def ifftshift(a: scalar | array | ArrayLike, axes: int | Sequence[int] | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Zero frequency moved to the beginning."""

def fftfreq(n: int, d: float = 1.0, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The frequencies of a transform."""

def rfftfreq(n: int, d: float = 1.0, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The frequencies of a transform of real numbers."""

def stft(x: scalar | array | ArrayLike, n_fft: int = 2048, hop_length: int | None = None, win_length: int | None = None, window: scalar | array | ArrayLike | None = None, center: bool = True, pad_mode: str = 'reflect', norm: str = 'backward', onesided: bool | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Transforms of overlapping frames of the last axis."""

def istft(stft_matrix: scalar | array | ArrayLike, n_fft: int | None = None, hop_length: int | None = None, win_length: int | None = None, window: scalar | array | ArrayLike | None = None, center: bool = True, norm: str = 'backward', onesided: bool | None = None, length: int | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Signals from the transforms of their frames."""


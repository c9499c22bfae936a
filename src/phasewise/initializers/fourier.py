"""Kernels of a convolution that computes a short-time Fourier transform."""

from collections.abc import Sequence

import numpy as np

from phasewise.core.registry import one_of, register
from phasewise.core.types import ArrayLike, Config, DTypeLike
from phasewise.initializers.initializer import KIND, Initializer, as_dtype, as_shape


@register(KIND, "STFTInitializer")
class STFT(Initializer):
    """One half of the windowed Fourier basis: cosines, or negative sines.

    Computed in float64 and rounded once; Keras computes in the weight's dtype and loses digits in long frames.

    Args:
        side: "real" or "imag".
        window: name of a window of `scipy.signal`, an array of shape (frame_length,), or None for no window.
        scaling: "density" (the window has L2 norm 1), "spectrum" (L1 norm 1) or None; only with a window.
        periodic: whether a window given by name is periodic rather than symmetric.

    Raises:
        ValueError: `side`, `scaling` or the name of the window is unknown.
    """

    def __init__(
        self,
        side: str = "real",
        window: str | ArrayLike | None = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ):
        self.side = one_of("STFT", "side", side, ("real", "imag"))
        self.scaling = one_of("STFT", "scaling", scaling, ("density", "spectrum", None))
        self.window, self.periodic = window, periodic
        if isinstance(window, str):
            _named_window(window, 1, periodic)

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        """A kernel of shape (frame_length, 1, fft_length // 2 + 1).

        Raises:
            ValueError: the shape does not have three axes, or the window has another length than the frame.
        """
        shape = as_shape(shape)
        if len(shape) != 3:
            raise ValueError(f"STFT makes kernels of shape (frame_length, 1, fft_length // 2 + 1); got shape {shape}.")
        frame_length, _, bins = shape
        time, frequency = np.arange(frame_length)[:, None, None], np.arange(bins) / max(1, 2 * (bins - 1))
        angle = -2 * np.pi * time * frequency
        wave = np.cos(angle) if self.side == "real" else np.sin(angle)
        return (wave * self._scaled_window(frame_length)[:, None, None]).astype(as_dtype(dtype))

    def _scaled_window(self, frame_length):
        if self.window is None:
            return np.ones(frame_length)
        named = isinstance(self.window, str)
        window = (
            _named_window(self.window, frame_length, self.periodic) if named else np.asarray(self.window, np.float64)
        )
        if window.shape != (frame_length,):
            raise ValueError(f"STFT's window has shape {window.shape}; the kernel's frame needs ({frame_length},).")
        if self.scaling is None:
            return window
        scale = np.sqrt(np.sum(window**2)) if self.scaling == "density" else np.sum(np.abs(window))
        return window / scale if scale else window  # a symmetric Hann window of 2 is zero throughout

    def get_config(self) -> Config:
        """The constructor's arguments, an array as a list."""
        window = self.window
        if window is not None and not isinstance(window, str):
            window = np.asarray(window).tolist()
        return {**super().get_config(), "window": window}


def _named_window(name, length, periodic):
    from scipy.signal import get_window  # half a second to import, and only spectrograms need it

    try:
        return get_window(name, length, periodic)
    except ValueError as error:
        raise ValueError(f"STFT's window {name!r} is no window of scipy.signal.windows: {error}") from error

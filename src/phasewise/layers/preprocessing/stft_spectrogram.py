"""STFTSpectrogram: how strong each frequency is in each stretch of a signal, by kernels that can be trained."""

from typing import Any

import jax.numpy as jnp

from phasewise.core.arguments import check_count, check_flag
from phasewise.core.registry import one_of, register
from phasewise.core.types import Array, ArrayLike, Config, Shape
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.initializers import STFT
from phasewise.kernels.convolution_sizes import around, output_size
from phasewise.kernels.spectrogram import frames
from phasewise.layer.input_spec import InputSpec
from phasewise.layer.layer import Layer
from phasewise.layers.preprocessing.windows import checked_window, window_in_config
from phasewise.layers.spatial import check_data_format

MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
EPSILON = 1e-7  # Keras's: the least power, and the least magnitude that a logarithm is taken of


@register("layer")
class STFTSpectrogram(Layer):
    """The short-time Fourier transform: frames of a signal, times a window, times cosines and negative sines.

    Args:
        mode: "log" and "magnitude" (of re² + im² the root, with its logarithm), "psd" (re² + im², twice for all frequencies but the first
            and the last), "real", "imag", "angle" (of im and re), "stft" (re, then im).
        frame_length: positive int, entries in a frame.
        frame_step: int in [1, frame_length], entries from one frame to the next; half of `frame_length` by default.
        fft_length: int of at least `frame_length`, best a power of 2; the next one by default.
        window: name of a window of `scipy.signal`, an array of shape (frame_length,), or None.
        periodic: whether a window given by name is periodic rather than symmetric.
        scaling: "density" (the window has L2 norm 1), "spectrum" (L1 norm 1) or None.
        padding: "valid", or "same": zeros around, so that there are ceil(length / frame_step) frames.
        expand_dims: whether frequencies have an axis of their own.
        data_format: "channels_last" or "channels_first".

    Input: (batch, length, channels), floating; (batch, channels, length) for "channels_first". Output, with F = fft_length // 2 + 1
    frequencies (twice as many for "stft"): (batch, frames, channels * F), or with `expand_dims` (batch, frames, F, channels); for
    "channels_first" (batch, channels * F, frames), or (batch, channels, frames, F).

    Weights: `real_kernel` and `imag_kernel`, (frame_length, 1, F), where the mode needs them; trainable=False keeps them.

    Products are summed in float32 or wider. Where it differs from Keras: bfloat16 is taken; the window is made in float64.
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: str | ArrayLike | None = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        kind = "STFTSpectrogram"
        self.mode = one_of(kind, "mode", mode, MODES)
        self.frame_length = check_count(kind, "frame_length", frame_length)
        self.frame_step = None if frame_step is None else check_count(kind, "frame_step", frame_step)
        self.fft_length = None if fft_length is None else check_count(kind, "fft_length", fft_length)
        self.window = checked_window(kind, window, self.frame_length)
        self.periodic = check_flag(kind, "periodic", periodic)
        self.scaling = one_of(kind, "scaling", scaling, ("density", "spectrum", None))
        self.padding = one_of(kind, "padding", padding, ("valid", "same"))
        self.expand_dims = check_flag(kind, "expand_dims", expand_dims)
        self.data_format = check_data_format(self, "data_format", data_format)
        self.input_spec = InputSpec(ndim=3)
        self._check_lengths()

    def _check_lengths(self):
        length, fft = self.frame_length, self.fft_length
        if self.frame_step is not None and self.frame_step > length:
            raise ValueError(
                f"STFTSpectrogram's frame_step is at most frame_length={length}; got {self.frame_step}: entries between frames would count "
                "for nothing."
            )
        if fft is not None and fft < length:
            raise ValueError(f"STFTSpectrogram's fft_length is at least frame_length={length}; got {fft}.")
        if fft is not None and fft & (fft - 1):
            warn(f"STFTSpectrogram's fft_length is best a power of 2; got {fft}.", PhasewiseWarning)

    @property
    def _step(self):
        return self.frame_step or max(1, self.frame_length // 2)

    @property
    def _bins(self):
        return (self.fft_length or 1 << (self.frame_length - 1).bit_length()) // 2 + 1

    def build(self, input_shape: Shape) -> None:
        """Makes the kernels that the mode needs."""
        shape = (self.frame_length, 1, self._bins)
        for side in ("real", "imag"):
            if self.mode != {"real": "imag", "imag": "real"}[side]:
                initializer = STFT(side, self.window, self.scaling, self.periodic)
                setattr(self, f"{side}_kernel", self.add_weight(shape, initializer, name=f"{side}_kernel"))
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The spectrogram.

        Raises:
            TypeError: the signal is not floating.
            ValueError: it is shorter than a frame.
        """
        if not jnp.issubdtype(inputs.dtype, jnp.floating):
            raise TypeError(
                f"STFTSpectrogram {self.name!r} takes floating signals; got {inputs.dtype}. Divide by the largest value, or cast, first."
            )
        signal = jnp.swapaxes(inputs, 1, 2) if self.data_format == "channels_last" else inputs
        self._frames(signal.shape[-1])
        zeros = around(self.padding, signal.shape[-1], self.frame_length, self._step, 1)
        cut = frames(signal, self.frame_length, self._step, zeros)  # (batch, channels, frames, frame_length)
        return self._arranged(self._spectrum(cut)).astype(self.compute_dtype)

    def _spectrum(self, cut):
        """(batch, channels, frames, frequencies)."""
        wide = jnp.promote_types(cut.dtype, jnp.float32)
        sides = [
            jnp.matmul(cut, jnp.asarray(getattr(self, f"{side}_kernel").value)[:, 0], preferred_element_type=wide)
            for side in ("real", "imag")
            if hasattr(self, f"{side}_kernel")
        ]
        if self.mode in ("real", "imag"):
            return sides[0]
        real, imag = sides
        if self.mode == "angle":
            return jnp.arctan2(imag, real)
        if self.mode == "stft":
            return jnp.concatenate(sides, axis=-1)
        power = jnp.square(real) + jnp.square(imag)
        if self.mode == "psd":
            return power.at[..., 1:-1].multiply(2)
        magnitude = jnp.sqrt(jnp.maximum(power, EPSILON))
        return magnitude if self.mode == "magnitude" else jnp.log(jnp.maximum(magnitude, EPSILON))

    def _arranged(self, y):
        if self.data_format == "channels_first":
            if self.expand_dims:
                return y
            y = jnp.swapaxes(y, 2, 3)
            return y.reshape(y.shape[0], -1, y.shape[3])
        if self.expand_dims:
            return y.transpose(0, 2, 3, 1)
        y = jnp.swapaxes(y, 1, 2)
        return y.reshape(*y.shape[:2], -1)

    def _frames(self, length):
        count = output_size(self.padding, length, self.frame_length, self._step, 1)
        if count is not None and count < 1:
            raise ValueError(
                f"STFTSpectrogram {self.name!r} has frame_length={self.frame_length}, and the signal has {length} entries. Use shorter "
                "frames, or padding='same'."
            )
        return count

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the spectrogram."""
        is_last = self.data_format == "channels_last"
        batch, length, channels = input_shape if is_last else (input_shape[0], input_shape[2], input_shape[1])
        count, bins = self._frames(length), self._bins * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            return (batch, count, bins, channels) if is_last else (batch, channels, count, bins)
        width = None if channels is None else channels * bins
        return (batch, count, width) if is_last else (batch, width, count)

    def get_config(self) -> Config:
        """Every argument."""
        return {
            **super().get_config(),
            "mode": self.mode,
            "frame_length": self.frame_length,
            "frame_step": self.frame_step,
            "fft_length": self.fft_length,
            "window": window_in_config(self.window),
            "periodic": self.periodic,
            "scaling": self.scaling,
            "padding": self.padding,
            "data_format": self.data_format,
            "expand_dims": self.expand_dims,
        }

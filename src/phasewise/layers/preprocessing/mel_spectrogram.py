"""MelSpectrogram: how strong each band of pitch is in each stretch of a signal."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from phasewise.core.arguments import check_count, check_flag, check_number
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, Shape
from phasewise.kernels.spectrogram import decibels, mel_matrix, mel_power
from phasewise.layer.layer import Layer
from phasewise.layers.preprocessing.windows import checked_window, named_window, window_in_config


@register("layer")
class MelSpectrogram(Layer):
    """The spectrum of frames of a signal, summed in bands of the mel scale, in decibels: after Davis & Mermelstein (1980), with the scale
    of the Hidden Markov Model Toolkit, mel(f) = 1127 ln(1 + f / 700).

    Args:
        fft_length: positive int, entries that a transform takes.
        sequence_stride: positive int, entries from one frame to the next.
        sequence_length: positive int of at most `fft_length`, entries that the window spans; `fft_length` by default.
        window: name of a window of `scipy.signal` (periodic), an array of shape (sequence_length,), or None.
        sampling_rate: positive number, entries a second.
        num_mel_bins: positive int, bands.
        min_freq, max_freq: hertz, where the first band begins and the last one ends; half of `sampling_rate` by default.
        power_to_db: whether the result is in decibels.
        top_db: decibels below the largest of an example at which all less is cut off.
        mag_exp: positive number, the exponent of the magnitude: 1 for energy, 2 for power.
        min_power: positive number, the least power that a logarithm is taken of.
        ref_power: number, the power of 0 decibels.

    Input: (batch, length) or (length,), floating, more than fft_length // 2 entries, whose ends are mirrored. Output: (batch,
    num_mel_bins, 1 + length // sequence_stride), or without the batch. Computed in float32.

    Where it differs from Keras: `top_db` counts from the largest of each example, not of the whole batch, so that an example's result does
    not depend on its neighbours; `compute_output_shape` gives the shape that comes out.
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: str | ArrayLike | None = "hann",
        sampling_rate: float = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        kind = "MelSpectrogram"
        self.autocast = False  # the transform is of float32
        self.fft_length = check_count(kind, "fft_length", fft_length)
        self.sequence_stride = check_count(kind, "sequence_stride", sequence_stride)
        self.sequence_length = check_count(kind, "sequence_length", sequence_length or fft_length)
        if self.sequence_length > self.fft_length:
            raise ValueError(
                f"MelSpectrogram's sequence_length is at most fft_length={self.fft_length}; got {self.sequence_length}."
            )
        self.window = checked_window(kind, window, self.sequence_length)
        self.sampling_rate = _positive(kind, "sampling_rate", sampling_rate)
        self.num_mel_bins = check_count(kind, "num_mel_bins", num_mel_bins)
        self.min_freq = check_number(kind, "min_freq", min_freq, least=0)
        self.max_freq = _positive(kind, "max_freq", max_freq or int(sampling_rate / 2))
        if not self.min_freq < self.max_freq:
            raise ValueError(f"MelSpectrogram's min_freq is below max_freq={self.max_freq}; got {self.min_freq}.")
        self.power_to_db = check_flag(kind, "power_to_db", power_to_db)
        self.top_db = check_number(kind, "top_db", top_db, least=0)
        self.mag_exp = _positive(kind, "mag_exp", mag_exp)
        self.min_power = _positive(kind, "min_power", min_power)
        self.ref_power = check_number(kind, "ref_power", ref_power)

    def call(self, inputs: Array) -> Array:
        """The spectrogram.

        Raises:
            ValueError: the signal has other axes, or is too short to be mirrored.
        """
        x = jnp.asarray(inputs)
        x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        self._check(x.shape)
        bins = self.fft_length // 2 + 1
        matrix = mel_matrix(self.num_mel_bins, bins, self.sampling_rate, self.min_freq, self.max_freq).astype(x.dtype)
        power = mel_power(
            x, self._window().astype(x.dtype), self.fft_length, self.sequence_stride, matrix, self.mag_exp
        )
        if self.power_to_db:
            power = decibels(power, self.ref_power, self.min_power, self.top_db)
        return jnp.swapaxes(power, -1, -2).astype(self.compute_dtype)

    def _window(self):
        """The window with zeros around it, `fft_length` long."""
        length = self.sequence_length
        if self.window is None:
            return np.ones(self.fft_length)
        window = named_window("MelSpectrogram", self.window, length) if isinstance(self.window, str) else self.window
        before = (self.fft_length - length) // 2
        return np.pad(np.asarray(window, np.float64), (before, self.fft_length - length - before))

    def _check(self, shape):
        if len(shape) not in (1, 2):
            raise ValueError(
                f"MelSpectrogram {self.name!r} takes signals of shape (batch, length) or (length,); got shape {tuple(shape)}."
            )
        if shape[-1] is not None and shape[-1] <= self.fft_length // 2:
            raise ValueError(
                f"MelSpectrogram {self.name!r} has fft_length={self.fft_length} and mirrors {self.fft_length // 2} entries at each end of "
                f"the signal, which has {shape[-1]}. Use a smaller fft_length, or fill the signal up."
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, num_mel_bins, frames)."""
        self._check(input_shape)
        length = input_shape[-1]
        count = None if length is None else 1 + (length - self.fft_length % 2) // self.sequence_stride
        return (*input_shape[:-1], self.num_mel_bins, count)

    def get_config(self) -> Config:
        """Every argument."""
        names = (
            "fft_length sequence_stride sequence_length sampling_rate num_mel_bins min_freq max_freq power_to_db top_db mag_exp min_power "
            "ref_power"
        )
        given = {name: getattr(self, name) for name in names.split()}
        return {**super().get_config(), **given, "window": window_in_config(self.window)}


def _positive(owner, name, value):
    if not check_number(owner, name, value) > 0:
        raise ValueError(f"{owner}'s {name} is a number above 0; got {value!r}.")
    return value

"""Fourier transforms, and signals cut into overlapping sequences. Complex arrays are pairs (real, imaginary), as in Keras."""

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.ops.op import op

_WINDOWS = {"hann": 0.5, "hamming": 0.54}


@op
def fft(x):
    """The discrete Fourier transform along the last axis, of a pair (real, imaginary), as such a pair."""
    return _pair(jnp.fft.fft(_complex("fft", x)))


@op
def fft2(x):
    """The discrete Fourier transform along the last two axes, of a pair (real, imaginary), as such a pair."""
    return _pair(jnp.fft.fft2(_complex("fft2", x)))


@op
def ifft2(x):
    """The inverse of `fft2`."""
    return _pair(jnp.fft.ifft2(_complex("ifft2", x)))


@op
def rfft(x, fft_length=None):
    """The first half of the discrete Fourier transform of real numbers along the last axis, as a pair (real, imaginary).

    Args:
        fft_length: the length; longer signals are cut off, shorter ones go on with zeros. None: as long as they are.
    """
    return _pair(jnp.fft.rfft(jnp.asarray(x), n=fft_length))


@op
def irfft(x, fft_length=None):
    """The inverse of `rfft`: real numbers.

    Args:
        fft_length: the length of the result; None is 2 * (size - 1), which is even.
    """
    return jnp.fft.irfft(_complex("irfft", x), n=fft_length)


@op
def extract_sequences(x, sequence_length, sequence_stride):
    """Overlapping parts of the last axis: (..., samples) to (..., sequences, sequence_length).

    Args:
        sequence_length: how many samples each has.
        sequence_stride: from the beginning of one to that of the next.
    """
    return _sequences(jnp.asarray(x), sequence_length, sequence_stride)


def _sequences(x, length, stride):
    count = max((x.shape[-1] - length) // stride + 1, 0)
    return x[..., np.arange(count)[:, None] * stride + np.arange(length)]


@op
def stft(x, sequence_length, sequence_stride, fft_length, window="hann", center=True):
    """The Fourier transforms of overlapping sequences of a signal, each times a window.

    Args:
        x: (..., samples), float32 or float64.
        sequence_length, sequence_stride: samples of a sequence, and from one to the next.
        fft_length: at least `sequence_length`; a sequence has zeros on both sides up to it.
        window: "hann", "hamming" (periodic), a vector of `sequence_length` numbers, or None for ones.
        center: whether the signal is reflected at both ends by half of `fft_length`, so that a sequence has its middle at its time.

    Returns:
        (real, imaginary), each of shape (..., sequences, fft_length // 2 + 1).

    Raises:
        TypeError: the signal is of another dtype.
        ValueError: `fft_length` or the window does not fit.
    """
    x = jnp.asarray(x)
    if x.dtype not in ("float32", "float64"):
        raise TypeError(f"stft takes a signal of float32 or float64; got {x.dtype}.")
    weights = _window("stft", window, sequence_length, fft_length, x.dtype)
    if center:
        x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(fft_length // 2,) * 2], mode="reflect")
    return _pair(jnp.fft.rfft(_sequences(x, fft_length, sequence_stride) * weights))


@op
def istft(x, sequence_length, sequence_stride, fft_length, length=None, window="hann", center=True):
    """The signal of which `stft` made these: sequences times the window, added up and divided by the sums of its squares.

    Args:
        x: pair (real, imaginary), each of shape (..., sequences, fft_length // 2 + 1).
        length: how many samples come out; None is all that are known.
        others: as of `stft`.

    Returns:
        (..., samples). Where no window reaches it is 0.

    Where we differ from Keras: with `window=None` the signal comes out as it was; Keras scales it by fft_length / sequence_stride.
    """
    spectra = _complex("istft", x)
    if spectra.ndim < 2:
        raise ValueError(f"istft takes (..., sequences, frequencies); got shape {spectra.shape}.")
    weights = _window("istft", window, sequence_length, fft_length, spectra.real.dtype)
    sequences = jnp.fft.irfft(spectra, n=fft_length) * weights
    count = sequences.shape[-2]
    total = fft_length + sequence_stride * (count - 1)
    places = np.arange(count)[:, None] * sequence_stride + np.arange(fft_length)
    sums = jnp.zeros((*sequences.shape[:-2], total), sequences.dtype).at[..., places].add(sequences)
    norm = jnp.zeros(total, sequences.dtype).at[places].add(jnp.broadcast_to(weights**2, places.shape))
    signal = sums / jnp.where(norm > 1e-10, norm, 1)
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else total - start
    return signal[..., start:end]


def _complex(name, x):
    if not isinstance(x, tuple | list) or len(x) != 2:
        raise ValueError(f"{name} takes a pair (real, imaginary) of arrays; got {type(x).__name__}.")
    real, imaginary = map(jnp.asarray, x)
    is_fit = jnp.issubdtype(real.dtype, jnp.floating) and jnp.issubdtype(imaginary.dtype, jnp.floating)
    if real.shape != imaginary.shape or not is_fit:
        raise ValueError(
            f"{name} takes real and imaginary parts of one shape and a floating dtype; got {real.dtype} of shape {real.shape} and "
            f"{imaginary.dtype} of shape {imaginary.shape}."
        )
    return jax.lax.complex(real, imaginary)


def _pair(x):
    return jnp.real(x), jnp.imag(x)


def _window(name, window, sequence_length, fft_length, dtype):
    """The weights of a sequence, zeros on both sides up to `fft_length`; without a window ones all along."""
    if fft_length < sequence_length:
        raise ValueError(
            f"{name} needs a fft_length of at least sequence_length; got fft_length={fft_length} and "
            f"sequence_length={sequence_length}."
        )
    if window is None:
        return jnp.ones(fft_length, dtype)
    if isinstance(window, str):
        if window not in _WINDOWS:
            raise ValueError(f"{name}'s window is 'hann', 'hamming', a vector or None; got {window!r}.")
        level = _WINDOWS[window]
        window = level - (1 - level) * np.cos(2 * np.pi * np.arange(sequence_length) / sequence_length)
    window = jnp.asarray(window, dtype)
    if window.shape != (sequence_length,):
        raise ValueError(
            f"{name}'s window has sequence_length={sequence_length} numbers; got an array of shape {window.shape}."
        )
    before = (fft_length - sequence_length) // 2
    return jnp.pad(window, (before, fft_length - sequence_length - before))

"""Short-time Fourier transforms and the mel scale."""

import jax.numpy as jnp
import numpy as np

BREAK, HIGH_Q = 700.0, 1127.0  # of the Hidden Markov Model Toolkit: mel(f) = 1127 ln(1 + f / 700)


def frames(x, length, step, padding=(0, 0)):
    """Runs of `length` entries along the last axis, each beginning `step` after the one before.

    Where `step` divides `length`, runs are put together of whole steps, whose gradient needs no scattering.

    Args:
        x: (..., positions); padded with zeros as `padding`, (before, after), says.

    Returns:
        (..., count, length), where count = 1 + (positions + zeros - length) // step.
    """
    x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [tuple(padding)]) if any(padding) else x
    count = 1 + (x.shape[-1] - length) // step
    if length % step:
        return x[..., np.arange(count)[:, None] * step + np.arange(length)]
    parts = length // step
    blocks = x[..., : (count + parts - 1) * step].reshape(*x.shape[:-1], count + parts - 1, step)
    return jnp.concatenate([blocks[..., i : i + count, :] for i in range(parts)], axis=-1)


def mel_power(x, window, fft_length, step, mel_matrix, exponent):
    """The mel spectrum of centred frames: |FFT(frame * window)|**exponent @ mel_matrix.

    The ends of the signal are mirrored, so that frame i is centred at entry i * step.

    Args:
        x: (..., positions), float32 or wider, more than fft_length // 2 positions.
        window: (fft_length,).
        mel_matrix: (fft_length // 2 + 1, bands).

    Returns:
        (..., frames, bands).
    """
    around = fft_length // 2
    x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(around, around)], mode="reflect")
    spectrum = jnp.fft.rfft(frames(x, fft_length, step) * window)
    power = jnp.square(spectrum.real) + jnp.square(spectrum.imag)
    if exponent != 2:
        is_some = power > 0  # a root has no gradient at 0
        power = jnp.where(is_some, jnp.where(is_some, power, 1) ** (exponent / 2), 0)
    return jnp.matmul(power, mel_matrix, preferred_element_type=x.dtype)


def decibels(power, reference, least, range_):
    """10 log10(power / reference), both at least `least`; nothing more than `range_` below the largest of an example.

    Args:
        power: (..., frames, bands), each (frames, bands) an example.
    """
    level = 10 * jnp.log10(jnp.maximum(power, least)) - 10 * np.log10(max(abs(reference), least))
    return jnp.maximum(level, level.max((-2, -1), keepdims=True) - range_)


def mel_matrix(bands, bins, sampling_rate, lowest, highest):
    """The weights with which the bins of a spectrum count for bands of the mel scale, float64 (bins, bands).

    Bands are triangles in mel, whose peak is 1, and each begins at the centre of the one before. The bin of frequency 0 counts for none.

    Args:
        bins: of frequencies from 0 to half of `sampling_rate`, evenly spaced.
        lowest, highest: frequencies in hertz, where the first band begins and the last one ends.
    """
    mels = _mel(np.linspace(0, sampling_rate / 2, bins)[1:])[:, None]
    edges = np.linspace(_mel(lowest), _mel(highest), bands + 2)
    begin, centre, end = edges[:-2], edges[1:-1], edges[2:]
    weights = np.minimum((mels - begin) / (centre - begin), (end - mels) / (end - centre))
    return np.pad(np.maximum(weights, 0), [(1, 0), (0, 0)])


def _mel(frequency):
    return HIGH_Q * np.log1p(np.asarray(frequency) / BREAK)

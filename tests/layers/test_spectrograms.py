"""STFTSpectrogram and MelSpectrogram beside what tests/layers/test_parity.py compares."""

import jax
import numpy as np
import pytest
from scipy.signal import get_window

import phasewise as pw
from phasewise.layers import MelSpectrogram, STFTSpectrogram

SIGNAL = np.random.default_rng(0).normal(size=(2, 300)).astype("float32")


def test_frames_are_fourier_transforms_of_windowed_stretches():
    layer = STFTSpectrogram("stft", frame_length=32, frame_step=8, scaling=None, expand_dims=True, periodic=True)
    y = np.asarray(layer(SIGNAL[..., None]))[..., 0]
    frames = np.lib.stride_tricks.sliding_window_view(SIGNAL.astype(np.float64), 32, axis=1)[:, ::8]
    expected = np.fft.rfft(frames * get_window("hann", 32))
    np.testing.assert_allclose(y, np.concatenate([expected.real, expected.imag], -1), atol=2e-5)


@pytest.mark.parametrize("mode", ["log", "magnitude", "psd", "real", "imag", "angle", "stft"])
def test_unknown_lengths_stay_unknown(mode):
    out = STFTSpectrogram(mode, frame_length=16)(pw.Input((None, 2)))
    assert out.shape == (None, None, 2 * 9 * (2 if mode == "stft" else 1))
    assert MelSpectrogram(64, 16, num_mel_bins=5)(pw.Input((None,))).shape == (None, 5, None)


def test_its_kernels_are_trained_unless_they_are_frozen():
    assert len(STFTSpectrogram(frame_length=16).trainable_weights) == 0
    layer = STFTSpectrogram(frame_length=16)
    layer.build((None, 300, 1))
    assert [w.path.split("/")[-1] for w in layer.trainable_weights] == ["real_kernel", "imag_kernel"]
    assert [tuple(w.shape) for w in layer.weights] == [(16, 1, 9)] * 2
    layer.trainable = False
    assert not layer.trainable_weights


def test_a_mel_spectrogram_does_not_depend_on_the_other_signals_of_its_batch():
    layer = MelSpectrogram(64, 16, num_mel_bins=5, top_db=10.0)
    loud = np.concatenate([SIGNAL[:1], 1e4 * SIGNAL[1:]])
    np.testing.assert_allclose(layer(loud)[0], layer(SIGNAL[0]), rtol=1e-5)


@pytest.mark.extensive
def test_silence_has_finite_gradients():
    for layer in (MelSpectrogram(64, 16, num_mel_bins=5, mag_exp=1.0), MelSpectrogram(64, 16, num_mel_bins=5)):
        gradient = jax.grad(lambda x, layer=layer: layer(x).sum())(np.zeros(300, np.float32))
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("length", [127, 128, 300, 303])
@pytest.mark.few(1)
def test_the_announced_number_of_frames_comes_out(length):
    for fft in (63, 64):
        layer = MelSpectrogram(fft, 16, num_mel_bins=5)
        assert layer(np.ones((2, length), np.float32)).shape == layer.compute_output_shape((2, length))
    for padding in ("valid", "same"):
        layer = STFTSpectrogram(frame_length=12, frame_step=5, padding=padding)
        assert layer(np.ones((2, length, 1), np.float32)).shape == layer.compute_output_shape((2, length, 1))


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (lambda: STFTSpectrogram("logs"), ValueError, "mode is one of .*got 'logs'. Did you mean 'log'"),
        (lambda: STFTSpectrogram(frame_length=8, frame_step=9), ValueError, "frame_step is at most frame_length=8; got 9"),
        (lambda: STFTSpectrogram(frame_length=8, fft_length=4), ValueError, "fft_length is at least frame_length=8; got 4"),
        (lambda: STFTSpectrogram(window="hannn"), ValueError, "STFTSpectrogram's window 'hannn' is no window of scipy.signal.windows"),
        (lambda: STFTSpectrogram(frame_length=8, window=[1.0]), ValueError, "or an array of 8 numbers"),
        (lambda: STFTSpectrogram(padding="causal"), ValueError, "padding is one of"),
        (lambda: STFTSpectrogram(name="s")(np.ones((1, 20, 1))), ValueError, "STFTSpectrogram 's' has frame_length=256, and the signal has 20"),
        (lambda: STFTSpectrogram(name="s")(np.ones((1, 300))), ValueError, "'s' .STFTSpectrogram. expects .*; got an input of shape"),
        (lambda: STFTSpectrogram(name="s")(np.ones((1, 300, 1), int)), TypeError, "STFTSpectrogram 's' takes floating signals; got int32"),
        (lambda: MelSpectrogram(8, sequence_length=9), ValueError, "sequence_length is at most fft_length=8; got 9"),
        (lambda: MelSpectrogram(min_freq=9000.0), ValueError, "min_freq is below max_freq=8000; got 9000"),
        (lambda: MelSpectrogram(min_power=0), ValueError, "min_power is a number above 0; got 0"),
        (lambda: MelSpectrogram(64, name="m")(np.ones((1, 20))), ValueError, "MelSpectrogram 'm' has fft_length=64 and mirrors 32 entries.*which has 20"),
        (lambda: MelSpectrogram(64, name="m")(np.ones((1, 2, 200))), ValueError, r"or \(length,\); got shape \(1, 2, 200\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(made, error, message):
    with pytest.raises(error, match=message):
        made()

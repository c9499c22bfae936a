"""Rows of the table of layers that are compared with Keras: categories, spectrograms. Layers of strings need TensorFlow in Keras, and are
compared with what it gave in tests/layers/test_lookups.py and its neighbours."""

import numpy as np

from parity import Ids, Words

BOUNDARIES = [-0.5, 0.0, 0.75]
SHORT = {"frame_length": 8, "frame_step": 4}
MEL = {"fft_length": 64, "sequence_stride": 21, "num_mel_bins": 4}

ROWS = [
    ("CategoryEncoding", {"num_tokens": 5}, Ids(5, (4, 3))),
    ("CategoryEncoding", {"num_tokens": 5, "output_mode": "count"}, Ids(5, (4, 3))),
    ("CategoryEncoding", {"num_tokens": 5, "output_mode": "one_hot"}, Ids(5, (4, 3))),
    ("CategoryEncoding", {"num_tokens": 5, "output_mode": "one_hot"}, Ids(5, (4, 1))),
    ("Discretization", {"bin_boundaries": BOUNDARIES}, (4, 3)),
    ("Discretization", {"bin_boundaries": BOUNDARIES, "output_mode": "one_hot"}, (4, 3)),
    ("Discretization", {"bin_boundaries": BOUNDARIES, "output_mode": "one_hot"}, (4, 1)),
    ("Discretization", {"bin_boundaries": BOUNDARIES, "output_mode": "multi_hot"}, (4, 3)),
    ("Discretization", {"bin_boundaries": BOUNDARIES, "output_mode": "count"}, (4, 3, 2)),
    ("STFTSpectrogram", SHORT, (2, 30, 1)),
    ("STFTSpectrogram", {**SHORT, "mode": "magnitude", "fft_length": 16, "window": "hamming"}, (2, 30, 2)),
    ("STFTSpectrogram", {**SHORT, "mode": "psd", "padding": "same", "scaling": "spectrum"}, (2, 30, 2)),
    ("STFTSpectrogram", {**SHORT, "mode": "real", "window": None, "expand_dims": True}, (2, 30, 2)),
    ("STFTSpectrogram", {**SHORT, "mode": "imag", "scaling": None, "data_format": "channels_first"}, (2, 2, 30)),
    ("STFTSpectrogram", {"frame_length": 7, "frame_step": 3, "mode": "angle", "periodic": True}, (2, 30, 1)),
    (
        "STFTSpectrogram",
        {
            "frame_length": 6,
            "mode": "stft",
            "data_format": "channels_first",
            "expand_dims": True,
            "window": np.linspace(0.5, 1, 6).tolist(),
        },
        (2, 2, 30),
    ),
    ("MelSpectrogram", MEL, (3, 100)),
    (
        "MelSpectrogram",
        {**MEL, "power_to_db": False, "mag_exp": 1.0, "sampling_rate": 8000, "min_freq": 100.0},
        (3, 100),
    ),
    (
        "MelSpectrogram",
        {**MEL, "sequence_length": 50, "window": "hamming", "max_freq": 5000.0, "top_db": 9.0},
        (1, 100),
    ),
    ("MelSpectrogram", {**MEL, "window": None, "min_power": 1e-3, "ref_power": 2.0, "sequence_stride": 16}, (3, 94)),
]

# Keras makes these with TensorFlow only, or of layers of its own.
WITHOUT_TWIN = {"HashedCrossing", "Hashing", "IntegerLookup", "Pipeline", "StringLookup", "TextVectorization"}

WORDS = ("cat", "dog", "emu", "fox")
MAKE = {
    "HashedCrossing": ({"num_bins": 7}, [Ids(5, (4, 1)), Words(WORDS, (4, 1))]),
    "Hashing": ({"num_bins": 7}, Words(WORDS, (4, 3))),
    "IntegerLookup": ({"vocabulary": [3, 1, 2]}, Ids(5, (4, 3))),
    "StringLookup": ({"vocabulary": WORDS[:3], "output_mode": "multi_hot"}, Words(WORDS, (4, 3))),
    "TextVectorization": ({"vocabulary": WORDS[:3], "output_sequence_length": 2}, Words(WORDS, (4, 1))),
}

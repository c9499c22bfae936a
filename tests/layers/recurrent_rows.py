"""The recurrent layers' rows of the table of parity: class name, arguments, input shapes."""

import phasewise as pw


def of(kind, *args, **arguments):
    """A layer or cell to be wrapped: a function of the library that makes it."""
    return lambda library=pw: getattr(library.layers, kind)(*args, **arguments)


def several(*makers):
    """A list of them."""
    return lambda library=pw: [make(library) for make in makers]


# Every argument that all three take, away from its default; dropout has tests of its own.
RULES = {
    "kernel_initializer": "he_normal",
    "recurrent_initializer": "glorot_normal",
    "bias_initializer": "ones",
    "kernel_regularizer": "l2",
    "recurrent_regularizer": "l1",
    "bias_regularizer": "l2",
    "activity_regularizer": "l1",
    "kernel_constraint": "max_norm",
    "recurrent_constraint": "unit_norm",
    "bias_constraint": "non_neg",
}
FIRST = {"data_format": "channels_first"}
SEQUENCES = {"return_sequences": True, "go_backwards": True}

TABLE = [
    ("SimpleRNN", {"units": 3}, (4, 5, 2)),
    ("SimpleRNN", {"units": 3, "activation": None, "use_bias": False, **SEQUENCES, "seed": 3}, (4, 5, 2)),
    ("SimpleRNN", {"units": 3, "activation": "relu", "unroll": True, **RULES}, (4, 5, 2)),
    ("LSTM", {"units": 3}, (4, 5, 2)),
    (
        "LSTM",
        {"units": 3, "activation": "softsign", "recurrent_activation": "hard_sigmoid", **SEQUENCES, "seed": 3},
        (4, 5, 2),
    ),
    ("LSTM", {"units": 3, "use_bias": False, "unroll": True, "use_cudnn": False, **RULES}, (4, 5, 2)),
    ("LSTM", {"units": 3, "unit_forget_bias": False, "implementation": 1, "return_sequences": True}, (4, 5, 2)),
    ("GRU", {"units": 3}, (4, 5, 2)),
    ("GRU", {"units": 3, "reset_after": False, **SEQUENCES, "seed": 3}, (4, 5, 2)),
    ("GRU", {"units": 3, "activation": None, "recurrent_activation": None, "use_bias": False}, (4, 3, 2)),
    ("GRU", {"units": 3, "reset_after": False, "use_bias": False, "implementation": 1}, (4, 5, 2)),
    ("GRU", {"units": 3, "unroll": True, "use_cudnn": False, **RULES}, (4, 5, 2)),
    ("RNN", {"cell": of("LSTMCell", 3)}, (4, 5, 2)),
    ("RNN", {"cell": of("GRUCell", 3), "zero_output_for_mask": True, **SEQUENCES}, (4, 5, 2)),
    ("RNN", {"cell": several(of("LSTMCell", 3), of("GRUCell", 2), of("SimpleRNNCell", 4))}, (4, 5, 2)),
    ("RNN", {"cell": several(of("GRUCell", 3), of("GRUCell", 2)), "unroll": True, **SEQUENCES}, (4, 5, 2)),
    ("Bidirectional", {"layer": of("LSTM", 3)}, (4, 5, 2)),
    ("Bidirectional", {"layer": of("GRU", 3, return_sequences=True), "merge_mode": "sum"}, (4, 5, 2)),
    ("Bidirectional", {"layer": of("SimpleRNN", 3), "merge_mode": "mul"}, (4, 5, 2)),
    (
        "Bidirectional",
        {
            "layer": of("LSTM", 3, return_sequences=True),
            "backward_layer": of("GRU", 3, return_sequences=True, go_backwards=True),
            "merge_mode": "ave",
        },
        (4, 5, 2),
    ),
    ("TimeDistributed", {"layer": of("Dense", 3, activation="softmax")}, (4, 5, 2)),
    ("TimeDistributed", {"layer": of("BatchNormalization", momentum=0.5)}, (4, 3, 2)),
    ("TimeDistributed", {"layer": of("LSTM", 2)}, (4, 3, 5, 2)),
    ("ConvLSTM1D", {"filters": 2, "kernel_size": 2}, (3, 4, 5, 2)),
    (
        "ConvLSTM1D",
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", **FIRST, **SEQUENCES, **RULES},
        (3, 4, 2, 5),
    ),
    ("ConvLSTM1D", {"filters": 2, "kernel_size": 2, "dilation_rate": 2, "use_bias": False, "seed": 3}, (3, 4, 5, 2)),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": (2, 3)}, (3, 4, 4, 5, 2)),
    (
        "ConvLSTM2D",
        {"filters": 3, "kernel_size": 3, "strides": (1, 2), "padding": "SAME", "unit_forget_bias": False, **RULES},
        (3, 4, 4, 5, 2),
    ),
    (
        "ConvLSTM2D",
        {
            "filters": 2,
            "kernel_size": 2,
            "activation": "softsign",
            "recurrent_activation": "hard_sigmoid",
            **FIRST,
            **SEQUENCES,
        },
        (3, 4, 2, 4, 3),
    ),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": 2, "dilation_rate": (1, 2), "unroll": True}, (3, 3, 4, 5, 2)),
    ("ConvLSTM3D", {"filters": 2, "kernel_size": 2}, (2, 3, 3, 4, 2, 2)),
    (
        "ConvLSTM3D",
        {
            "filters": 2,
            "kernel_size": (1, 2, 2),
            "strides": 2,
            "padding": "same",
            "activation": None,
            "use_bias": False,
            **FIRST,
            **SEQUENCES,
        },
        (2, 3, 2, 3, 4, 2),
    ),
    ("Masking", {}, (4, 5, 2)),
    ("Masking", {"mask_value": 1.5}, (4, 5, 2)),
]
CELLS = {"SimpleRNNCell", "LSTMCell", "GRUCell", "StackedRNNCells", "ConvLSTMCell"}  # their parity is in test_cells.py

"""What arguments, names and methods of Keras 1 and 2, and of TensorFlow 1, are called now, where a script still has the old ones.

Nothing here is accepted under its old name: this is what an error says of it.
"""

from collections.abc import Collection

_RENAMED = """
    Input.input_shape: shape
    Input.batch_input_shape: batch_shape
    alpha: negative_slope
    atrous_rate: dilation_rate
    b_constraint: bias_constraint
    b_regularizer: bias_regularizer
    beta_init: beta_initializer
    bias: use_bias
    border_mode: padding
    build_fn: model
    concat_axis: axis
    dim: axis
    dim_ordering: data_format
    dims: target_shape
    dot_axes: axes
    dropout_U: recurrent_dropout
    dropout_W: dropout
    epsilon: min_delta
    filter_length: kernel_size
    forget_bias_init: unit_forget_bias
    gamma_init: gamma_initializer
    generator: x
    init: kernel_initializer embeddings_initializer alpha_initializer initializer
    inner_activation: recurrent_activation
    inner_init: recurrent_initializer
    input: inputs
    kernel_dim1: kernel_size
    kernel_dim2: kernel_size
    kernel_dim3: kernel_size
    keep_dims: keepdims
    keep_prob: rate
    l: l2 l1
    lr: learning_rate
    m: max_value
    nb_classes: num_classes
    nb_col: kernel_size
    nb_epoch: epochs
    nb_filter: filters
    nb_row: kernel_size
    nb_val_samples: validation_steps
    nb_words: num_words
    output: outputs
    output_dim: units
    p: rate
    period: save_freq
    pool_length: pool_size
    reduction_indices: axis
    samples_per_epoch: steps_per_epoch
    scale: stddev
    sigma: stddev
    std: stddev
    subsample: strides
    subsample_length: strides
    U_constraint: recurrent_constraint
    U_regularizer: recurrent_regularizer
    val_samples: steps
    W_constraint: kernel_constraint embeddings_constraint
    W_regularizer: kernel_regularizer embeddings_regularizer
    to_categorical.y: x
"""
_NOW = {old.strip(): new.split() for old, new in (line.split(":") for line in _RENAMED.strip().splitlines())}

_AHEAD = (
    "Leave it out: batches are made ahead of the step; of a PyDataset they are by as many workers as it was made with."
)
_WITHOUT_EFFECT = "Leave it out: it has no effect any more."
_OF_ROWS = "That counts batches, where this counted rows: divide it by the batch size."
_WEIGHTS = "Give them to layer.set_weights once it is built."
_KERNEL = "nb_row=3, nb_col=5 is kernel_size=(3, 5)."
_AT_DIMENSION = "kernel_dim1=3, kernel_dim2=3, kernel_dim3=3 is kernel_size=(3, 3, 3)."

_BESIDE = {
    "decay": "Give a schedule as learning_rate: InverseTimeDecay(rate, decay_steps=1, decay_rate=decay) is what it did.",
    "schedule_decay": _WITHOUT_EFFECT,
    "dim_ordering": '"th" is "channels_first", "tf" is "channels_last".',
    "keep_prob": "That is the part which is dropped: 1 - keep_prob.",
    "kernel_dim1": _AT_DIMENSION,
    "nb_row": _KERNEL,
    "forget_bias_init": "That is True (ones) or False (zeros).",
    "period": 'That is "epoch", or counts batches: period=2 is save_freq=2 * (batches of an epoch).',
    "samples_per_epoch": _OF_ROWS,
    "nb_val_samples": _OF_ROWS,
    "val_samples": _OF_ROWS,
    "max_q_size": _AHEAD,
    "max_queue_size": _AHEAD,
    "nb_worker": _AHEAD,
    "pickle_safe": _AHEAD,
    "use_multiprocessing": _AHEAD,
    "workers": _AHEAD,
    "show_accuracy": 'Ask for it in compile(..., metrics=["accuracy"]).',
    "class_mode": _WITHOUT_EFFECT,
    "consume_less": _WITHOUT_EFFECT,
    "distribute": "Leave it out: arrays are placed on devices by JAX's own shardings.",
    "experimental_run_tf_function": _WITHOUT_EFFECT,
    "sample_weight_mode": "Leave it out: a sample_weight of shape (rows, steps) is one for each step.",
    "target_tensors": "Give the labels to fit.",
    "theano_mode": _WITHOUT_EFFECT,
    "BatchNormalization.mode": "Leave out mode=0, which is what it does; mode=1 was nearest to LayerNormalization; for mode=2 use "
    'predict(..., statistics="batch").',
    "concatenate.mode": "The function says it: add, multiply, average, maximum, concatenate, dot.",
    **{f"{layer}.weights": _WEIGHTS for layer in ("Conv1D", "Conv2D", "Dense", "GRU", "LSTM")},
    "input_dtype": "Begin the model with Input(shape, dtype=...).",
    "input_length": "Begin the model with Input((length, features)).",
    "Embedding.dropout": "Put SpatialDropout1D behind it.",
    "RandomUniform.scale": "It was minval=-scale, maxval=scale.",
    "write_grads": "Gradients are not written.",
    "embeddings_layer_names": "Embeddings are written with embeddings_freq.",
    "save_format": "The ending of the path says it: .keras.",
}

_CANNED = "wrappers.SKLearnClassifier and wrappers.SKLearnRegressor"
NAMES = {
    "AtrousConvolution1D": "Conv1D(dilation_rate=...)",
    "AtrousConvolution2D": "Conv2D(dilation_rate=...)",
    "CuDNNGRU": "GRU",
    "CuDNNLSTM": "LSTM",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "BCE": "binary_crossentropy",
    "KLD": "kl_divergence",
    "KerasClassifier": _CANNED,
    "KerasRegressor": _CANNED,
    "LocallyConnected1D": "Conv1D, or a Layer of your own",
    "LocallyConnected2D": "Conv2D, or a Layer of your own",
    "MAE": "mean_absolute_error",
    "MAPE": "mean_absolute_percentage_error",
    "MSE": "mean_squared_error",
    "MSLE": "mean_squared_logarithmic_error",
    "Merge": "the layers Add, Multiply, Average, Maximum, Concatenate and Dot",
    "ParametricSoftplus": "a Layer of your own",
    "SReLU": "PReLU or a Layer of your own",
    "SyncBatchNormalization": "BatchNormalization(synchronized=True)",
    "ThresholdedReLU": "ReLU(threshold=...)",
    "TimeDistributedDense": "Dense, which takes sequences as they are",
    "bce": "binary_crossentropy",
    "image_dim_ordering": "image_data_format",
    "kld": "kl_divergence",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "merge": "the functions add, multiply, average, maximum, concatenate and dot",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
    "multi_gpu_model": "JAX's own shardings",
    "normal": "RandomNormal",
    "objectives": "losses",
    "plot": "plot_model",
    "set_image_dim_ordering": "set_image_data_format",
    "uniform": "RandomUniform",
}
"""Functions and classes: what to use in their place."""

ATTRIBUTES = {
    "evaluate_generator": "evaluate, which takes generators",
    "fit_generator": "fit, which takes generators; steps_per_epoch counts batches",
    "get_input_at": "the tensor that the layer was called on",
    "get_output_at": "the tensor that the call returned",
    "lr": "learning_rate",
    "predict_classes": "predict(x).argmax(-1), or with a single sigmoid (predict(x) > 0.5).astype(int)",
    "predict_generator": "predict, which takes generators",
    "predict_function": "predict_on_batch",
    "predict_proba": "predict",
    "reset_states": "reset_state of the layer",
    "test_function": "test_on_batch",
    "to_yaml": "to_json",
    "train_function": "train_on_batch",
}
"""Methods and attributes of models, layers and optimizers: what to use in their place."""


def argument(owner: str, name: str, known: Collection[str]) -> tuple[str | None, str]:
    """Of an argument that `owner` once took: what it is called now, or None, and what else there is to say.

    Args:
        owner: the function or class.
        name: what came.
        known: what it takes.
    """
    whole = f"{owner}.{name}"
    renamed = _NOW.get(whole, _NOW.get(name, ()))
    now = next((new for new in renamed if new in known), None)
    return now, _BESIDE.get(whole) or ("" if renamed and now is None else _BESIDE.get(name, ""))


def instead(name: str) -> str:
    """The end of a message about a function or class that is not here; nothing where `NAMES` does not have it."""
    return f" Use {NAMES[name]}." if name in NAMES else ""


def attribute(owner: str, name: str) -> str:
    """What is said of an attribute in `ATTRIBUTES` that something of the class `owner` lacks."""
    return f"{owner} has no {name!r}. Use {ATTRIBUTES[name]}."

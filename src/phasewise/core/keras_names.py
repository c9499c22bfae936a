"""What Keras calls things in its files: where it keeps each family, the classes that are named otherwise here, the modules of older
versions. The operations of a graph have a table of their own, `ops/operations.py`; nothing else knows Keras's names.
"""

from collections.abc import Mapping

MODULES = {  # of each kind, as Keras writes it
    "activation": "keras.activations",
    "constraint": "keras.constraints",
    "dtype policy": "keras",
    "feature space": "keras.utils",
    "initializer": "keras.initializers",
    "layer": "keras.layers",
    "loss": "keras.losses",
    "metric": "keras.metrics",
    "optimizer": "keras.optimizers",
    "optimizer_map": "keras.optimizers",
    "regularizer": "keras.regularizers",
    "schedule": "keras.optimizers.schedules",
    "seed": "keras.random",
}
# Classes of ours that stand elsewhere there: module, class_name, registered_name.
CLASSES = {
    "Model": ("keras.models", "Model", None),
    "Sequential": ("keras", "Sequential", None),
    "CustomScaleLayer": ("keras.src.applications.inception_resnet_v2", "CustomScaleLayer", "CustomScaleLayer"),
    "LayerScale": ("keras.src.applications.convnext", "LayerScale", "LayerScale"),
    "StochasticDepth": ("keras.src.applications.convnext", "StochasticDepth", "StochasticDepth"),
    "Feature": ("keras.src.layers.preprocessing.feature_space", "Feature", "Feature"),
    "Cross": ("keras.src.layers.preprocessing.feature_space", "Cross", "Cross"),
    "TFDIdentity": ("keras.src.layers.preprocessing.feature_space", "TFDIdentity", "TFDIdentity"),
    "ConvLSTMCell": ("keras.src.layers.rnn.conv_lstm", "ConvLSTMCell", "ConvLSTMCell"),
}
FUNCTIONAL = ("keras.src.models.functional", "Functional", "Functional")

# Where names mean what is registered here; Keras writes "builtins" for functions.
_OWN = ("keras", "phasewise", "builtins", "tf_keras", "keras_core")
_ROOTS = ("tensorflow.", "tensorflow.python.")
# A part of a module's path, of any version of Keras -> the kind of what stands in it; the first that occurs, in this order, says it.
_PARTS = {
    "applications": "layer of an application",
    "feature_space": "part of a feature space",
    "schedules": "schedule",
    "learning_rate_schedule": "schedule",
    "layers": "layer",
    "engine": "layer",
    "models": "layer",
    "activations": "activation",
    "constraints": "constraint",
    "dtype_policies": "dtype policy",
    "mixed_precision": "dtype policy",
    "initializers": "initializer",
    "losses": "loss",
    "metrics": "metric",
    "optimizers": "optimizer",
    "regularizers": "regularizer",
    "random": "seed",
}
_AT_ROOT = ("layer", "dtype policy", "seed")
# Keras 2's names of classes that are called otherwise now.
_FORMER = {
    "Policy": "DTypePolicy",
    "PolicyV1": "DTypePolicy",
    "FloatDTypePolicy": "DTypePolicy",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "CuDNNGRU": "GRU",
    "CuDNNLSTM": "LSTM",
    "GlorotUniformV2": "GlorotUniform",
}


def root_of(module: object) -> str:
    """The package that a module's path begins with, "keras" for TensorFlow's."""
    path = str(module)
    for root in sorted(_ROOTS, key=len, reverse=True):
        path = path.removeprefix(root)
    return path.split(".")[0]


def is_own(spec: Mapping) -> bool:
    """Whether the name in a config can mean something of phasewise's own: a class of a user's may be called alike."""
    return root_of(spec.get("module", "phasewise")) in _OWN


def kinds_in(module: object) -> tuple[str, ...]:
    """The kinds of what stands in a module of Keras; () where the module does not say."""
    parts = str(module or "").split(".")
    for part, kind in _PARTS.items():
        if part in parts:
            return (kind,)
    return _AT_ROOT if root_of(module) == "keras" and len(parts) == 1 else ()


def is_operation(spec: Mapping) -> bool:
    """Whether a config is that of an operation of `keras.ops`, which stands in a graph like a layer."""
    parts = str(spec.get("module") or "").split(".")
    return root_of(spec.get("module")) == "keras" and ("ops" in parts[:3] or parts[-2:] == ["activations"] * 2)


def today(name: str) -> str:
    """What a class is called now that Keras 2 wrote as `name`."""
    return _FORMER.get(name, name)


# Keras writes the default of `training` in a layer's `call` into the graph, as if it had been given.
_FALSE_BY_DEFAULT = frozenset(
    [
        "AdditiveAttention",
        "AlphaDropout",
        "Attention",
        "ConvLSTM1D",
        "ConvLSTM2D",
        "ConvLSTM3D",
        "Dropout",
        "GRU",
        "GRUCell",
        "GaussianDropout",
        "GaussianNoise",
        "LSTM",
        "LSTMCell",
        "RNN",
        "SimpleRNN",
        "SimpleRNNCell",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
        "SpectralNormalization",
        "StackedRNNCells",
    ]
)
_TRUE_BY_DEFAULT = frozenset(
    [
        "AugMix",
        "AutoContrast",
        "CenterCrop",
        "ContrastLimitedAdaptiveHistogramEqualization",
        "CutMix",
        "Equalization",
        "MaxNumBoundingBoxes",
        "MixUp",
        "Pipeline",
        "RandAugment",
        "RandomBrightness",
        "RandomColorDegeneration",
        "RandomColorJitter",
        "RandomContrast",
        "RandomCrop",
        "RandomElasticTransform",
        "RandomErasing",
        "RandomFlip",
        "RandomGaussianBlur",
        "RandomGrayscale",
        "RandomHue",
        "RandomInvert",
        "RandomPerspective",
        "RandomPosterization",
        "RandomRotation",
        "RandomSaturation",
        "RandomSharpness",
        "RandomShear",
        "RandomTranslation",
        "RandomZoom",
        "Resizing",
        "Solarization",
    ]
)


def training_by_default(class_name: str) -> bool | None:
    """What Keras writes of `training` for a call of one of its layers that was not given any; None for nothing."""
    return True if class_name in _TRUE_BY_DEFAULT else False if class_name in _FALSE_BY_DEFAULT else None

"""Why a name of Keras's or TensorFlow's is not here, where there is more to say than which one is near."""

from phasewise.core import former
from phasewise.scripts import places

_OWN_GRADIENTS = (
    " phasewise derives by jax.grad, inside of its compiled step: override train_step of the model, or write the loop with "
    "phasewise.pure."
)

OF_KERAS = {
    "backend.get_session": "there is no session, functions are called as they are",
    "backend.set_session": "there is no session, functions are called as they are",
    "applications": "its networks come with weights, which would have to be downloaded",
    "distillation": "override train_step for it",
    "distribution": "arrays are placed on devices by JAX's own shardings",
    "layers.FlaxLayer": "it wraps an object of another framework",
    "layers.JaxLayer": "call of every Layer is written in JAX; make the parameters by add_weight",
    "layers.TFSMLayer": "it wraps an object of another framework",
    "layers.TorchModuleWrapper": "it wraps an object of another framework",
    "legacy": "it is for files from before Keras 3",
    "optimizers.legacy": "use the optimizer of the same name in optimizers",
    "preprocessing.text": "use layers.TextVectorization",
    "preprocessing.image.ImageDataGenerator": (
        "use utils.image_dataset_from_directory, and layers such as RandomFlip in the model"
    ),
    "preprocessing.sequence.TimeseriesGenerator": "use utils.timeseries_dataset_from_array",
    "quantizers": "weights are not quantized here",
    "wrappers.scikit_learn": "use wrappers.SKLearnClassifier and wrappers.SKLearnRegressor",
}
"""By the name behind the root of Keras; what holds for a module holds for what lies in it."""

_OF_TENSORFLOW_1 = """
    ConfigProto GPUOptions InteractiveSession Session contrib get_default_graph get_variable global_variables_initializer layers
    placeholder reset_default_graph
"""

OF_TENSORFLOW = {
    **{f"tensorflow.{name}": " There is nothing of TensorFlow 1." for name in _OF_TENSORFLOW_1.split()},
    "tensorflow.nn.bias_add": " Add it: x + bias.",
    "tensorflow.nn.conv2d": " Use keras.ops.conv, or keras.layers.Conv2D.",
    "tensorflow.nn.dropout": " Use keras.layers.Dropout, or keras.random.dropout.",
    "tensorflow.nn.max_pool": " Use keras.ops.max_pool, or keras.layers.MaxPooling2D.",
    "tensorflow.nn.max_pool2d": " Use keras.ops.max_pool, or keras.layers.MaxPooling2D.",
    "tensorflow.GradientTape": _OWN_GRADIENTS,
    "tensorflow.compat": " There is nothing of TensorFlow 1.",
    "tensorflow.distribute": " Arrays are placed on devices by JAX's own shardings.",
    "tensorflow.estimator": " A canned classifier of another kind is phasewise.wrappers.SKLearnClassifier.",
}


def reason(name: str) -> str | None:
    """The end of a message about the whole `name`, or None where nothing is known of it."""
    part = places.keras_part(name)
    if part is None:
        return _nearest_above(OF_TENSORFLOW, name)
    if former.instead(part.rpartition(".")[2]):
        return former.instead(part.rpartition(".")[2])
    if part.split(".")[0] == "src":
        return " Keras's own insides are not here. Import public names from public modules, as in: from keras.layers import Dense"
    found = _nearest_above(OF_KERAS, part)
    return f" It is not made: {found}." if found else None


def _nearest_above(table, name):
    while name:
        if name in table:
            return table[name]
        name = name.rpartition(".")[0]
    return None

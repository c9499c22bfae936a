"""Configs of Keras 2 (and of Keras 3 in its legacy files) in the form that Keras 3 writes today: arguments that have another name, that say
nothing any more, or that would mean something else now. Class names are mapped in `core/keras_names`, functions of TensorFlow in
`keras2_functions`.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from phasewise.core.custom_objects import register_keras_serializable
from phasewise.core.types import Array, Config
from phasewise.saving.keras2_functions import as_operations

# What Keras 2 wrote and nothing reads, where it has this value; another value is told.
_WITHOUT_MEANING = {
    "time_major": (False, None),
    "ragged": (False, None),
    "optional": (False, None),
    "causal": (False, None),
    "groups": (1, None),
    "batch_size": (None,),
    "adjustment": (None,),
    "softmax_robust_masking": (False, None),
    "experimental_run_tf_function": (True, False, None),
}
_DROPPED = frozenset({"implementation", "fused", "input_length", "query_shape", "key_shape", "value_shape"})
_WITH_GROUPS = ("Conv1D", "Conv2D", "Conv3D")
_OF_ONE_KERNEL = frozenset({"kernel_initializer", "kernel_regularizer", "kernel_constraint", "filters"})
_INITIALIZERS_TODAY = {"normal": "truncated_normal"}


@register_keras_serializable("phasewise", "keras2_hard_sigmoid")
def keras2_hard_sigmoid(x: Array) -> Array:
    """0.2 * x + 0.5, between 0 and 1: what "hard_sigmoid" was in Keras 2. Keras 3's has the slope 1 / 6."""
    return jnp.clip(0.2 * x + 0.5, 0, 1)


def as_today(config: Any, is_keras_2: bool) -> Any:
    """A model's config, or any part of it, as Keras 3 would write it.

    Raises:
        ValueError: something in it has no counterpart; the message names the layer.
    """
    if isinstance(config, list | tuple):
        return [as_today(each, is_keras_2) for each in config]
    if not isinstance(config, Mapping):
        return config
    if isinstance(config.get("class_name"), str) and isinstance(config.get("config"), Mapping):
        return _described(config, is_keras_2)
    return {key: as_today(value, is_keras_2) for key, value in config.items()}


def _described(spec, is_keras_2):
    name, inner = spec["class_name"], dict(spec["config"])
    is_graph = isinstance(inner.get("layers"), list) and "input_layers" in inner
    if is_graph and all(isinstance(each, Mapping) for each in inner["layers"]):
        inner["layers"] = as_operations(inner["layers"])
    first = inner.get("batch_input_shape")
    inner = {key: as_today(value, is_keras_2) for key, value in inner.items()}
    if isinstance(inner.get("layers"), list) and not is_graph:
        inner["layers"] = _with_input(inner["layers"], spec["config"]["layers"])
    inner = _arguments(name, inner, is_keras_2)
    if name == "InputLayer" and first is not None:
        inner["batch_shape"] = first
    return {**{key: as_today(value, is_keras_2) for key, value in spec.items() if key != "config"}, "config": inner}


def _with_input(layers, as_they_were):
    """The layers of a chain, with the input that its first layer's `batch_input_shape` means."""
    first = as_they_were[0] if as_they_were and isinstance(as_they_were[0], Mapping) else {}
    inner = first.get("config")
    shape = inner.get("batch_input_shape") if isinstance(inner, Mapping) else None
    if first.get("class_name") == "InputLayer" or shape is None:
        return layers
    dtype = inner.get("dtype") if isinstance(inner.get("dtype"), str) else "float32"
    dtype = dtype if first.get("class_name") == "Embedding" or not dtype.endswith("float16") else "float32"
    return [{"class_name": "InputLayer", "config": {"batch_shape": shape, "dtype": dtype}}, *layers]


def _arguments(name, inner, is_keras_2):
    """The arguments of a class, by the names and with the meaning of today."""
    found = {key: value for key, value in inner.items() if key not in _DROPPED and key != "batch_input_shape"}
    for key, values in _WITHOUT_MEANING.items():
        if (
            key not in found
            or (key == "groups" and name in _WITH_GROUPS)
            or (key == "ragged" and name != "InputLayer" and is_keras_2 is False)
        ):
            continue
        if found[key] not in values:
            raise ValueError(
                f"{name} {inner.get('name', '')!r} has {key}={found[key]!r}, which there is nothing for here."
            )
        del found[key]
    if name.startswith(("DepthwiseConv", "SeparableConv")):
        kept = {"filters"} if name.startswith("SeparableConv") else set()
        found = {key: value for key, value in found.items() if key not in _OF_ONE_KERNEL - kept}
    if name.startswith(("BatchNormalization", "LayerNormalization", "SyncBatchNormalization")):
        axis = found.get("axis")
        found["axis"] = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis if axis is not None else -1
        if found.get("renorm") is False:
            found = {key: value for key, value in found.items() if not key.startswith("renorm")}
    if name == "LeakyReLU" and "alpha" in found:
        found["negative_slope"] = found.pop("alpha")
    if name in ("GRU", "GRUCell", "GRUV1"):
        found.setdefault("reset_after", False)
    for key in [key for key in found if key.endswith("_initializer")]:
        found[key] = _initializer(found[key])
    if is_keras_2:
        found = {k: "phasewise>keras2_hard_sigmoid" if v == "hard_sigmoid" else v for k, v in found.items()}
    return found


def _initializer(spec: Any) -> Any:
    """An initializer's config; Keras 2 wrote the dtype of what it makes into it."""
    if not isinstance(spec, Mapping) or not isinstance(spec.get("config"), Mapping):
        return spec
    inner: Config = {key: value for key, value in spec["config"].items() if key != "dtype"}
    if "distribution" in inner:
        inner["distribution"] = _INITIALIZERS_TODAY.get(inner["distribution"], inner["distribution"])
    return {**spec, "config": inner}

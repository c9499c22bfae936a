"""How other frameworks write normalization layers down: names, order and meaning of parameters and arguments, in one place."""

import dataclasses
from types import MappingProxyType
from typing import Any

import numpy as np

REQUIRED = object()  # an argument without a default
TRACKED = "updates"  # the parameter that counts how many batches the moving statistics have followed


@dataclasses.dataclass(frozen=True)
class Convention:
    """How one framework writes one kind of layer.

    Attributes:
        title: what the framework calls it.
        parameters: dict from their name to ours, in their order; "/" separates the levels of nested dicts.
        arguments: dict from the name of an argument of theirs to its default.
        meaning: dict from the name of an argument of theirs to ours, where both mean the same (`momentum`: up to `is_rate`).
        switches: dict from the name of a boolean argument of theirs to those of our `scale` and `center` that need it.
        size: the argument of theirs that gives the shape of the parameters, or None.
        channel_axis: our `axis` where they say nothing of it.
        axis_arguments: the arguments of theirs that are our `axis`.
        is_rate: their momentum is the weight of the batch, 1 - ours; ours is that of the past.
        unbiased: their moving variance follows the batches' unbiased variances; an argument of theirs by name, or always.
        fixed: dict of our arguments that they do not let one choose.
    """

    title: str
    parameters: dict[str, str]
    arguments: dict[str, Any]
    meaning: dict[str, str]
    switches: dict[str, tuple[str, ...]]
    size: str | None = None
    channel_axis: int = -1
    axis_arguments: tuple[str, ...] = ()
    is_rate: bool = False
    unbiased: bool | str = False
    fixed: dict[str, Any] = dataclasses.field(default_factory=dict)

    def is_unbiased(self, arguments):
        """Whether a layer of theirs with these arguments follows unbiased variances."""
        return arguments[self.unbiased] if isinstance(self.unbiased, str) else self.unbiased

    def has(self, ours, arguments):
        """Whether a layer of theirs with these arguments has the parameter that is `ours`: "gamma" or "scale", "beta"."""
        needs = {"gamma": "scale", "scale": "scale", "beta": "center"}.get(ours)
        return needs is None or all(arguments[name] for name, needed in self.switches.items() if needs in needed)


_BOTH = ("scale", "center")
_RUNNING = {"running_mean": "moving_mean", "running_var": "moving_variance", "num_batches_tracked": TRACKED}
_TORCH_AFFINE = {"weight": "gamma", "bias": "beta"}
_TORCH_SWITCHES = {"affine": _BOTH, "bias": ("center",)}
_LINEN_AFFINE = {"params/scale": "gamma", "params/bias": "beta"}
_NNX_AFFINE = {"bias": "beta", "scale": "gamma"}
_FLAX_SWITCHES = {"use_scale": ("scale",), "use_bias": ("center",)}
_FLAX_ON = {"use_scale": True, "use_bias": True}
_SLIM_AFFINE = {"beta": "beta", "gamma": "gamma"}
_SLIM_SWITCHES = {"center": ("center",), "scale": ("scale",)}
_EPSILON = {"epsilon": "epsilon"}


def _flax(title, parameters, kind, **more):
    """The conventions of linen and nnx, which differ in the names alone."""
    return Convention(f"Flax's {title}", parameters, **{**_FLAX[kind], **more})


_FLAX = {
    "batch": {
        "arguments": {"momentum": 0.99, "epsilon": 1e-5, **_FLAX_ON},
        "meaning": {"momentum": "momentum", **_EPSILON},
        "switches": _FLAX_SWITCHES,
        "axis_arguments": ("axis",),
    },
    "row": {
        "arguments": {"epsilon": 1e-6, **_FLAX_ON},
        "meaning": _EPSILON,
        "switches": _FLAX_SWITCHES,
        "axis_arguments": ("reduction_axes", "feature_axes"),
    },
    "group": {
        "arguments": {"num_groups": 32, "epsilon": 1e-6, **_FLAX_ON},
        "meaning": {"num_groups": "groups", **_EPSILON},
        "switches": _FLAX_SWITCHES,
    },
    "square": {
        "arguments": {"epsilon": 1e-6, "use_scale": True},
        "meaning": _EPSILON,
        "switches": {"use_scale": ("scale",)},
        "axis_arguments": ("reduction_axes", "feature_axes"),
    },
}

CONVENTIONS = MappingProxyType(
    {
        "BatchNormalization": {
            "torch": Convention(
                "PyTorch's BatchNorm",
                {**_TORCH_AFFINE, **_RUNNING},
                {"num_features": None, "eps": 1e-5, "momentum": 0.1, "affine": True, "bias": True},
                {"eps": "epsilon", "momentum": "momentum"},
                _TORCH_SWITCHES,
                size="num_features",
                channel_axis=1,
                is_rate=True,
                unbiased=True,
            ),
            "flax": _flax(
                "BatchNorm",
                {**_LINEN_AFFINE, "batch_stats/mean": "moving_mean", "batch_stats/var": "moving_variance"},
                "batch",
            ),
            "nnx": _flax(
                "BatchNorm",
                {"bias": "beta", "mean": "moving_mean", "scale": "gamma", "var": "moving_variance"},
                "batch",
            ),
            "slim": Convention(
                "TensorFlow-slim's batch_norm",
                {**_SLIM_AFFINE, "moving_mean": "moving_mean", "moving_variance": "moving_variance"},
                {"decay": 0.999, "center": True, "scale": False, "epsilon": 1e-3, "fused": True},
                {"decay": "momentum", **_EPSILON},
                _SLIM_SWITCHES,
                unbiased="fused",
            ),
        },
        "LayerNormalization": {
            "torch": Convention(
                "PyTorch's LayerNorm",
                _TORCH_AFFINE,
                {"normalized_shape": None, "eps": 1e-5, "elementwise_affine": True, "bias": True},
                {"eps": "epsilon"},
                {"elementwise_affine": _BOTH, "bias": ("center",)},
                size="normalized_shape",
            ),
            "flax": _flax("LayerNorm", _LINEN_AFFINE, "row"),
            "nnx": _flax("LayerNorm", _NNX_AFFINE, "row"),
            "slim": Convention(
                "TensorFlow-slim's layer_norm",
                _SLIM_AFFINE,
                {"center": True, "scale": True},
                {},
                _SLIM_SWITCHES,
                fixed={"epsilon": 1e-12},
            ),
        },
        "GroupNormalization": {
            "torch": Convention(
                "PyTorch's GroupNorm",
                _TORCH_AFFINE,
                {"num_groups": REQUIRED, "num_channels": None, "eps": 1e-5, "affine": True, "bias": True},
                {"num_groups": "groups", "eps": "epsilon"},
                _TORCH_SWITCHES,
                size="num_channels",
                channel_axis=1,
            ),
            "flax": _flax("GroupNorm", _LINEN_AFFINE, "group"),
            "nnx": _flax("GroupNorm", _NNX_AFFINE, "group"),
            "slim": Convention(
                "TensorFlow-slim's group_norm",
                _SLIM_AFFINE,
                {"groups": 32, "center": True, "scale": True, "epsilon": 1e-6},
                {"groups": "groups", **_EPSILON},
                _SLIM_SWITCHES,
                axis_arguments=("channels_axis",),
            ),
        },
        "RMSNormalization": {
            "torch": Convention(
                "PyTorch's RMSNorm",
                {"weight": "scale"},
                {"normalized_shape": None, "eps": float(np.finfo(np.float32).eps), "elementwise_affine": True},
                {"eps": "epsilon"},
                {"elementwise_affine": ("scale",)},
                size="normalized_shape",
            ),
            "flax": _flax("RMSNorm", {"params/scale": "scale"}, "square"),
            "nnx": _flax("RMSNorm", {"scale": "scale"}, "square"),
        },
    }
)

"""What layers here are as PyTorch's modules, one function a kind of layer: the reverse of `torch_layers`, where the table stands."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from phasewise import layers
from phasewise.core.variable import Variable
from phasewise.layer.layer import Layer
from phasewise.layers.convolution.convolution import Convolution
from phasewise.layers.convolution.depthwise import DepthwiseConvolution
from phasewise.layers.convolution.transposed import TransposedConvolution
from phasewise.layers.normalization.converting import Convertible
from phasewise.saving.torch_layers import (
    GATES,
    MisfitError,
    check_attention,
    check_flattened_size,
    check_recurrent,
    reordered,
)

Parameters = Iterator[tuple[str, np.ndarray]]


class Weights:
    """The weights of a layer, and which of them a module has taken.

    Args:
        layer: a built layer.
        module: name of the module.
        flattened: shape, channels first, of what PyTorch flattens into its input; None: nothing.
        count: values a channel in a batch, where the moving variance is to be converted; see `BatchNormalization.to_convention`.

    Attributes:
        arguments: dict of those arguments of the module's constructor that a function has set here.
    """

    def __init__(self, layer: Layer, module: str, flattened: Any = None, count: int | None = None):
        self.layer, self.module, self.flattened, self.count = layer, module, flattened, count
        self.arguments = {}
        self._left = {
            id(v): (owner, v)
            for owner in layer._inventory().layers
            for v in owner.variables_on_file()
            if not v.is_memory
        }

    def read(self, variable: Variable) -> np.ndarray:
        """The value of a weight, as a file has it."""
        owner, _ = self._left.pop(id(variable))
        return np.asarray(owner.value_on_file(variable))

    def bias(self, variable: Variable | None) -> Parameters:
        """The bias of a layer that has one."""
        if variable is not None:
            yield "bias", self.read(variable)

    def left_over(self) -> list[str]:
        """Names of the weights that no function has read."""
        return [variable.name for _, variable in self._left.values()]


def parameters_of(layer: Layer, weights: Weights) -> Parameters:
    """(name, array) for all parameters of the module that computes what the layer does.

    Raises:
        MisfitError: there is no such module.
    """
    for kind, parameters in _KINDS.items():
        if isinstance(layer, kind):
            yield from parameters(layer, weights)
            break
    else:
        raise MisfitError(
            f"no module of PyTorch is known here as its counterpart; there is one for {', '.join(kind.__name__ for kind in _KINDS)}"
        )
    if left := weights.left_over():
        raise MisfitError(f"PyTorch's module has no parameter for {', '.join(map(repr, left))}")


# -- one function a kind


def _dense(layer, weights):
    inputs, units = layer.kernel.shape
    weight = weights.read(layer.kernel).T
    if weights.flattened is not None:
        check_flattened_size(weights.module, weights.flattened, inputs)
        channels, *positions = weights.flattened
        weight = np.moveaxis(weight.reshape(units, *positions, channels), -1, 1).reshape(units, inputs)
    yield "weight", weight
    yield from weights.bias(layer.bias)


def _convolution(layer, weights):
    """Of either direction: the last two axes of a kernel come first, the last of them before the other."""
    yield "weight", np.moveaxis(weights.read(layer.kernel), (-1, -2), (0, 1))
    yield from weights.bias(layer.bias)


def _depthwise(layer, weights):
    *sizes, inputs, multiplier = layer.kernel.shape
    kernel = np.moveaxis(weights.read(layer.kernel), (-2, -1), (0, 1))
    yield "weight", kernel.reshape(inputs * multiplier, 1, *sizes)
    yield from weights.bias(layer.bias)


def _embedding(layer, weights):
    yield "weight", weights.read(layer.embeddings)


def _prelu(layer, weights):
    """One slope, or one for each channel; a layer may have the same for each channel at every position."""
    alpha = weights.read(layer.alpha)
    at_positions = alpha.reshape(-1, alpha.shape[-1])
    if (at_positions != at_positions[:1]).any():
        raise MisfitError(
            f"PyTorch's PReLU has one slope, or one a channel; alpha of shape {alpha.shape} differs between positions: "
            "PReLU(shared_axes=...) has one a channel"
        )
    yield "weight", at_positions[0]


def _normalization(layer, weights):
    """By the table of conventions."""
    try:
        state = layer.to_convention("torch", count=weights.count)
    except ValueError as error:
        raise MisfitError(str(error)) from error
    weights.arguments.update(state.arguments)
    for variable in layer.variables_on_file():
        weights.read(variable)
    yield from state.items()


def _recurrent(layer, weights, ending="_l0"):
    check_recurrent(layer)
    cell = layer.cell
    gates = np.argsort(GATES[type(cell).__name__])
    yield "weight_ih" + ending, reordered(weights.read(cell.kernel).T, gates)
    yield "weight_hh" + ending, reordered(weights.read(cell.recurrent_kernel).T, gates)
    if cell.bias is None:
        return
    bias = weights.read(cell.bias)
    both = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))  # the module adds them
    for name, value in zip(("bias_ih", "bias_hh"), both):
        yield name + ending, reordered(value, gates)


def _bidirectional(layer, weights):
    if layer.merge_mode != "concat":
        raise MisfitError(f"PyTorch puts both directions side by side (concat); the layer has {layer.merge_mode!r}")
    yield from _recurrent(layer.forward_layer, weights)
    yield from _recurrent(layer.backward_layer, weights, "_l0_reverse")


def _attention(layer, weights):
    check_attention(layer)
    size, output = layer.num_heads * layer.key_dim, layer.output_dense
    inner = {"q": layer.query_dense, "k": layer.key_dense, "v": layer.value_dense}
    features = layer.query_dense.kernel.shape[0]
    if not size == features == output.kernel.shape[-1] or output.kernel.ndim != 3:
        raise MisfitError(
            "PyTorch's MultiheadAttention takes, makes and divides among its heads vectors of one size; the layer takes "
            f"{features} numbers, makes {output.kernel.shape[2:]}, and has {layer.num_heads} heads of {layer.key_dim}"
        )
    kernels = {name: weights.read(each.kernel).reshape(-1, size).T for name, each in inner.items()}
    if all(kernel.shape == (size, size) for kernel in kernels.values()):
        yield "in_proj_weight", np.concatenate(list(kernels.values()))
    else:
        yield from ((f"{name}_proj_weight", kernel) for name, kernel in kernels.items())
    if layer.use_bias:
        yield "in_proj_bias", np.concatenate([weights.read(each.bias).reshape(-1) for each in inner.values()])
    yield "out_proj.weight", weights.read(output.kernel).reshape(size, size).T
    if layer.use_bias:
        yield "out_proj.bias", weights.read(output.bias)


_KINDS: dict[type, Callable[[Any, Weights], Parameters]] = {
    layers.Dense: _dense,
    TransposedConvolution: _convolution,
    DepthwiseConvolution: _depthwise,
    Convolution: _convolution,
    Convertible: _normalization,
    layers.Embedding: _embedding,
    layers.PReLU: _prelu,
    layers.Bidirectional: _bidirectional,
    layers.LSTM: _recurrent,
    layers.GRU: _recurrent,
    layers.SimpleRNN: _recurrent,
    layers.MultiHeadAttention: _attention,
}

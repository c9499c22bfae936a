"""What the parameters of PyTorch's modules are in layers here, one function a kind of layer. Arrays in, arrays out; PyTorch is not needed.

`n` is the number of inputs, `m` that of outputs, `k` the sizes of a kernel:

| PyTorch | here |
|---|---|
| Linear: weight (m, n) | Dense: kernel (n, m), its transpose |
| Conv: weight (m, n / groups, *k) | kernel (*k, n / groups, m) |
| ConvTranspose: weight (n, m, *k) | kernel (*k, m, n) |
| Conv with groups = n: weight (n * multiplier, 1, *k) | depthwise kernel (*k, n, multiplier) |
| LSTM, RNN: weight_ih (gates * m, n), weight_hh (gates * m, m), two biases that are added | kernel, recurrent_kernel transposed, one bias; both have the gates i, f, g, o |
| GRU: the same, gates r, z, n, two biases | gates z, r, n; both biases are kept (reset_after) |
| MultiheadAttention: in_proj_weight (3 * m, n) of query, key, value one below the other, heads side by side | three kernels (n, heads, size) |
| BatchNorm, LayerNorm, GroupNorm, RMSNorm | see `layers/normalization/conventions` |
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from phasewise import activations, layers
from phasewise.core.variable import Variable
from phasewise.layer.layer import Layer
from phasewise.layers.convolution.convolution import Convolution
from phasewise.layers.convolution.depthwise import DepthwiseConvolution
from phasewise.layers.convolution.transposed import TransposedConvolution
from phasewise.layers.normalization.converting import Convertible

Pairs = Iterator[tuple[Variable, np.ndarray]]


class MisfitError(ValueError):
    """A module's parameters are not those of the layer."""


class Module:
    """The parameters of one of PyTorch's modules.

    Args:
        name: of the module.
        arrays: dict from the names of its parameters to something with `shape` and `read()`.
        flattened: shape, channels first, of what PyTorch flattened into its input; None: nothing.
        count: values a channel in a batch, where the moving variance is to be converted; see `BatchNormalization.from_convention`.
    """

    def __init__(self, name: str, arrays: Mapping[str, Any], flattened: Any = None, count: int | None = None):
        self.name, self.arrays, self.flattened, self.count = name, arrays, flattened, count
        self.used = set()

    def take(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """A parameter.

        Raises:
            MisfitError: there is none, or it has another shape than this.
        """
        if name not in self.arrays:
            raise MisfitError(f"{self.name} has no {name!r}, of shape {tuple(shape)}; it has {sorted(self.arrays)}")
        self.used.add(name)
        if tuple(self.arrays[name].shape) != tuple(shape):
            raise MisfitError(
                f"{self.name}.{name} has shape {tuple(self.arrays[name].shape)}; the layer takes one of shape {tuple(shape)}"
            )
        return self.arrays[name].read()

    def bias(self, variable: Variable | None) -> Pairs:
        """The bias of a layer that has one."""
        if variable is not None:
            yield variable, self.take("bias", variable.shape)

    def left_over(self) -> list[str]:
        """Parameters that no layer took."""
        return [f"{self.name}.{name}" for name in self.arrays if name not in self.used]


def pairs_of(layer: Layer, module: Module) -> Pairs:
    """(variable, value) for all variables of the layer.

    Raises:
        MisfitError: the module has other parameters, or there is no rule for the layer.
    """
    for kind, pairs in _KINDS.items():
        if isinstance(layer, kind):
            return pairs(layer, module)
    raise MisfitError(
        f"{type(layer).__name__} {layer.name!r} has no counterpart among PyTorch's modules that is known here; there is one for "
        f"{', '.join(kind.__name__ for kind in _KINDS)}"
    )


# -- one function a kind


def _dense(layer, module):
    inputs, units = layer.kernel.shape
    weight = module.take("weight", (units, inputs))
    if module.flattened is not None:
        check_flattened_size(module.name, module.flattened, inputs)
        weight = np.moveaxis(weight.reshape(units, *module.flattened), 1, -1).reshape(units, inputs)
    yield layer.kernel, weight.T
    yield from module.bias(layer.bias)


def _convolution(layer, module):
    *sizes, inputs, filters = layer.kernel.shape
    weight = module.take("weight", (filters, inputs, *sizes))
    yield layer.kernel, np.moveaxis(weight, (0, 1), (-1, -2))
    yield from module.bias(layer.bias)


def _transposed(layer, module):
    *sizes, filters, inputs = layer.kernel.shape
    weight = module.take("weight", (inputs, filters, *sizes))
    yield layer.kernel, np.moveaxis(weight, (0, 1), (-1, -2))
    yield from module.bias(layer.bias)


def _depthwise(layer, module):
    *sizes, inputs, multiplier = layer.kernel.shape
    weight = module.take("weight", (inputs * multiplier, 1, *sizes)).reshape(inputs, multiplier, *sizes)
    yield layer.kernel, np.moveaxis(weight, (0, 1), (-2, -1))
    yield from module.bias(layer.bias)


def _embedding(layer, module):
    yield layer.embeddings, module.take("weight", layer.embeddings.shape)


def _prelu(layer, module):
    shape = layer.alpha.shape
    weight = module.take(
        "weight", (1,) if set(shape) <= {1} or "weight" not in module.arrays else module.arrays["weight"].shape
    )
    if weight.shape not in ((1,), (shape[-1],)):
        raise MisfitError(
            f"{module.name}.weight has shape {weight.shape}; the layer takes one of shape {(shape[-1],)} or (1,)"
        )
    yield layer.alpha, np.broadcast_to(weight, shape)


def _normalization(layer, module):
    """By the table of conventions, with the arguments that PyTorch's module must have had to have these parameters."""
    try:
        arguments = layer.to_convention("torch").arguments
        state = {name: array.read() for name, array in module.arrays.items()}
        made = type(layer).from_convention("torch", state, axis=layer.axis, count=module.count, **arguments)
    except ValueError as error:
        raise MisfitError(f"{module.name}: {error}") from error
    module.used.update(module.arrays)
    values = {variable.name: np.asarray(variable) for variable in made.variables_on_file()}
    if module.count is not None:
        layer._moving_statistics.resume(made._moving_statistics.updates)
    for variable in layer.variables_on_file():
        yield variable, values[variable.name]


def _recurrent(layer, module, ending="_l0"):
    check_recurrent(layer)
    cell, gates = layer.cell, GATES[type(layer.cell).__name__]
    inputs, units = cell.kernel.shape[0], cell.units
    for variable, name, size in ((cell.kernel, "weight_ih", inputs), (cell.recurrent_kernel, "weight_hh", units)):
        yield variable, reordered(module.take(name + ending, (len(gates) * units, size)), gates).T
    if cell.bias is None:
        return
    both = [reordered(module.take(name + ending, (len(gates) * units,)), gates) for name in ("bias_ih", "bias_hh")]
    yield cell.bias, np.stack(both) if cell.bias.ndim == 2 else both[0] + both[1]


GATES = {"LSTMCell": (0, 1, 2, 3), "GRUCell": (1, 0, 2), "SimpleRNNCell": (0,)}
"""Which of PyTorch's gates each of ours is."""


def _bidirectional(layer, module):
    yield from _recurrent(layer.forward_layer, module)
    yield from _recurrent(layer.backward_layer, module, "_l0_reverse")


def _attention(layer, module):
    check_attention(layer)
    size = layer.num_heads * layer.key_dim
    inner = {"q": layer.query_dense, "k": layer.key_dense, "v": layer.value_dense}
    if "in_proj_weight" in module.arrays:
        features = layer.query_dense.kernel.shape[0]
        weights = dict(zip("qkv", np.split(module.take("in_proj_weight", (3 * size, features)), 3)))
    else:
        weights = {
            name: module.take(f"{name}_proj_weight", (size, each.kernel.shape[0])) for name, each in inner.items()
        }
    for name, each in inner.items():
        yield each.kernel, weights[name].T.reshape(each.kernel.shape)
    if layer.use_bias:
        biases = dict(zip("qkv", np.split(module.take("in_proj_bias", (3 * size,)), 3)))
        for name, each in inner.items():
            yield each.bias, biases[name].reshape(each.bias.shape)
    output = layer.output_dense
    out = output.kernel.shape[-1]
    yield output.kernel, module.take("out_proj.weight", (out, size)).T.reshape(output.kernel.shape)
    if layer.use_bias:
        yield output.bias, module.take("out_proj.bias", (out,))


# -- what no module of PyTorch does


def check_flattened_size(module: str, flattened: Any, inputs: int) -> None:
    """Raises MisfitError where a shape is not that of so many numbers."""
    if int(np.prod(flattened)) != inputs:
        raise MisfitError(f"{module} was said to take {tuple(flattened)} flattened; it takes {inputs} numbers")


def check_recurrent(layer: Any) -> None:
    """Raises MisfitError where a recurrent layer computes what no module of PyTorch does."""
    cell = layer.cell
    if not getattr(cell, "reset_after", True):
        raise MisfitError(
            f"PyTorch's GRU resets after the product, as GRU(reset_after=True) does; {layer.name!r} resets before"
        )
    if cell.normalization is not None:
        raise MisfitError(f"{layer.name!r} normalizes inside the recurrence, which no module of PyTorch does")
    known = [activations.tanh] if hasattr(cell, "recurrent_activation") else [activations.tanh, activations.relu]
    if (
        cell.activation not in known
        or getattr(cell, "recurrent_activation", activations.sigmoid) is not activations.sigmoid
    ):
        raise MisfitError(
            f"PyTorch's LSTM and GRU have tanh and sigmoid, its RNN tanh or relu; {layer.name!r} has other activations"
        )


def check_attention(layer: Any) -> None:
    """Raises MisfitError where an attention computes what PyTorch's does not."""
    if layer.use_gate or layer.value_dim != layer.key_dim:
        what = "a gate" if layer.use_gate else f"values of size {layer.value_dim}, keys of size {layer.key_dim}"
        raise MisfitError(f"PyTorch's MultiheadAttention has no gate, and one size of head; {layer.name!r} has {what}")


def reordered(array: np.ndarray, gates: Sequence[int]) -> np.ndarray:
    """The parts of an array of all gates in another order."""
    parts = np.split(array, len(gates))
    return np.concatenate([parts[gate] for gate in gates])


_KINDS: dict[type, Callable[[Any, Module], Pairs]] = {
    layers.Dense: _dense,
    TransposedConvolution: _transposed,
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

"""EinsumDense: a sum of products by an equation, a bias and an activation."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from phasewise import activations, constraints, initializers, regularizers
from phasewise.core import registry
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.initializers.fan_scaled import VarianceScaling
from phasewise.kernels.matrix_product import matrix_product
from phasewise.layer.input_spec import InputSpec
from phasewise.layer.layer import Layer
from phasewise.layers.einsum_equation import EinsumEquation
from phasewise.layers.low_rank import LowRank


@register("layer")
class EinsumDense(LowRank, Layer):
    """`activation(einsum(equation, inputs, kernel) + bias)`.

    Args:
        equation: "ab,bc->ac": the axes of the input, the kernel and the output, each a letter. Input and output begin with the
            batch axis, or both with "...", or end in "...": axes of any number that stay as they are.
        output_shape: int or tuple: sizes of the output's axes, in their order, without the batch axis and those under the
            ellipsis; None where the input has that axis.
        activation: name or function of arrays; None for none.
        bias_axes: the letters of the output's axes along which there is a bias; None for no bias.
        kernel_initializer, bias_initializer: initializers. One that scales by fans counts as inputs the axes that are summed
            over.
        kernel_regularizer, bias_regularizer: added to the loss.
        kernel_constraint, bias_constraint: applied after each update.
        lora_rank, lora_alpha: see `enable_lora`.
        gptq_unpacked_column_size, quantization_config: None; there are no quantized layers here.

    Input and output: as the equation says. Products of float16 and bfloat16 are accumulated in float32.

    Where it differs from Keras: axes under an ellipsis on the left keep their order in `compute_output_shape`.

    Raises:
        ValueError: the equation has none of these forms, or the shapes do not fit it.
    """

    supports_masking = False
    fixed_by_build = ("equation", "partial_output_shape", "bias_axes")
    adapted_weight = "kernel"

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Named = None,
        bias_axes: str | None = None,
        kernel_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "zeros",
        kernel_regularizer: Named = None,
        bias_regularizer: Named = None,
        kernel_constraint: Named = None,
        bias_constraint: Named = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._equation = EinsumEquation(equation)
        self.equation = equation
        self.partial_output_shape = _sizes(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._set_low_rank(lora_rank, lora_alpha)
        self._refuse_quantization(
            gptq_unpacked_column_size=gptq_unpacked_column_size, quantization_config=quantization_config
        )

    def build(self, input_shape: Shape) -> None:
        """Makes the kernel, and the bias where there is one."""
        shapes = self._shapes(input_shape)
        bias_shape = self._told(shapes.bias, self.bias_axes) if self.bias_axes else None
        self.kernel = self.add_weight(
            shapes.kernel,
            _with_fans(self.kernel_initializer, shapes),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if bias_shape is not None:
            self.bias = self.add_weight(
                bias_shape,
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self._build_low_rank()
        fixed = {i: input_shape[i] for i in self._equation.kept_axes(len(input_shape))}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=fixed)
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The layer's output."""
        outputs = self._product(inputs, self.adapted())
        if self.bias is not None:
            outputs = outputs + self.bias.value
        return self.activation(outputs) if self.activation is not None else outputs

    def _product(self, inputs, kernel):
        axes = self._equation.product_axes
        return jnp.einsum(self.equation, inputs, kernel) if axes is None else matrix_product(inputs, kernel, axes)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """As the equation says."""
        return self._shapes(input_shape).output

    def _shapes(self, input_shape):
        return self._told(self._equation.shapes, tuple(input_shape), self.partial_output_shape)

    def _told(self, function, *args):
        """What `function` returns; its errors name the layer."""
        try:
            return function(*args)
        except ValueError as error:
            raise ValueError(f"EinsumDense {self.name!r}: {error}.") from None

    def get_config(self) -> Config:
        """Every argument; `lora_rank` and `lora_alpha` where they are used."""
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": registry.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": registry.serialize(self.kernel_initializer),
            "bias_initializer": registry.serialize(self.bias_initializer),
            "kernel_regularizer": registry.serialize(self.kernel_regularizer),
            "bias_regularizer": registry.serialize(self.bias_regularizer),
            "kernel_constraint": registry.serialize(self.kernel_constraint),
            "bias_constraint": registry.serialize(self.bias_constraint),
        }


def _sizes(given):
    """`output_shape` as a tuple."""
    sizes = given if isinstance(given, list | tuple) else (given,)
    if not all(n is None or (hasattr(n, "__index__") and not isinstance(n, bool) and n > 0) for n in sizes):
        raise ValueError(f"EinsumDense's output_shape is made of positive integers and None; got {given!r}.")
    return tuple(n if n is None else int(n) for n in sizes)


def _with_fans(initializer, shapes):
    """The initializer told which axes of the kernel are summed over, where it scales by fans and was not told."""
    if not isinstance(initializer, VarianceScaling) or (initializer.input_axes and initializer.output_axes):
        return initializer
    axes = {"input_axes": shapes.input_axes, "output_axes": shapes.output_axes}
    return type(initializer).from_config({**initializer.get_config(), "seed": initializer.seed, **axes})

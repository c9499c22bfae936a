"""Dense: a matrix product, a bias and an activation."""

from typing import Any

from phasewise import activations, constraints, initializers, regularizers
from phasewise.core import registry
from phasewise.core.arguments import check_count, check_flag
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.kernels.matrix_product import matrix_product
from phasewise.layer.input_spec import InputSpec
from phasewise.layer.layer import Layer


@register("layer")
class Dense(Layer):
    """`activation(inputs @ kernel + bias)` over the last axis.

    Args:
        units: positive int, size of the output's last axis.
        activation: name or function of arrays; None for none.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers.
        kernel_regularizer, bias_regularizer: added to the loss.
        activity_regularizer: of the output.
        kernel_constraint, bias_constraint: applied after each update.

    Input: (batch, ..., features). Output: (batch, ..., units).
    """

    supports_masking = True
    fixed_by_build = ("units", "use_bias")

    def __init__(
        self,
        units: int,
        activation: Named = None,
        use_bias: bool = True,
        kernel_initializer: Named = "glorot_uniform",
        bias_initializer: Named = "zeros",
        kernel_regularizer: Named = None,
        bias_regularizer: Named = None,
        activity_regularizer: Named = None,
        kernel_constraint: Named = None,
        bias_constraint: Named = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = check_count("Dense", "units", units)
        self.activation = activations.get(activation)
        self.use_bias = check_flag("Dense", "use_bias", use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Shape) -> None:
        """Makes the kernel (features, units) and the bias (units,)."""
        features = input_shape[-1]
        if features is None:
            raise ValueError(
                f"Dense {self.name!r} needs a known last axis; its input has shape {tuple(input_shape)}. Give that size in "
                "Input."
            )
        self.kernel = self.add_weight(
            (features, self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The layer's output."""
        outputs = matrix_product(inputs, self.kernel.value)
        if self.bias is not None:
            outputs = outputs + self.bias.value
        return self.activation(outputs) if self.activation is not None else outputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, ..., units)."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> Config:
        """Every argument."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": registry.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": registry.serialize(self.kernel_initializer),
            "bias_initializer": registry.serialize(self.bias_initializer),
            "kernel_regularizer": registry.serialize(self.kernel_regularizer),
            "bias_regularizer": registry.serialize(self.bias_regularizer),
            "kernel_constraint": registry.serialize(self.kernel_constraint),
            "bias_constraint": registry.serialize(self.bias_constraint),
        }

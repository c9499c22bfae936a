"""How what happens to channels before or after a layer enters its weights: one class for each class of layers, in `ABSORBERS`."""

import numpy as np

from phasewise.layers import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from phasewise.models.folding.channels import Hindered, told
from phasewise.models.folding.linear_weights import LinearWeights


class DenseWeights(LinearWeights):
    """Of a `Dense`."""

    @property
    def input_channels(self):
        return self.kernels["kernel"].shape[0]

    @property
    def output_channels(self):
        return self.kernels["kernel"].shape[1]

    def with_outputs(self, scale):
        return {"kernel": self.kernels["kernel"] * scale}

    def with_inputs(self, scale):
        return {"kernel": self.kernels["kernel"] * scale[:, None]}

    def of_constant(self, offset):
        return offset @ self.kernels["kernel"]


class ConvolutionWeights(LinearWeights):
    """Of a convolution: kernel (*window, channels / groups, filters)."""

    @property
    def input_channels(self):
        return self.kernels["kernel"].shape[-2] * self.layer.groups

    @property
    def output_channels(self):
        return self.kernels["kernel"].shape[-1]

    def with_outputs(self, scale):
        return {"kernel": self.kernels["kernel"] * scale}

    def with_inputs(self, scale):
        return {"kernel": self.kernels["kernel"] * self._for_filters(scale)}

    def of_constant(self, offset):
        self._check_unpadded()
        return (_over_window(self.kernels["kernel"]) * self._for_filters(offset)).sum(0)

    def _for_filters(self, part):
        """Numbers of the input's channels as each filter sees them: (channels / groups, filters)."""
        groups = self.layer.groups
        return np.repeat(part.reshape(groups, -1).T, self.output_channels // groups, 1)

    def _check_unpadded(self):
        if self.layer.padding != "valid" and max(self.layer.kernel_size) > 1:
            raise Hindered(
                f"{told(self.layer)} with padding={self.layer.padding!r} puts zeros around the normalized input, and its shift would "
                "change what these stand for"
            )


class TransposedWeights(LinearWeights):
    """Of a transposed convolution: kernel (*window, filters, channels)."""

    @property
    def input_channels(self):
        return self.kernels["kernel"].shape[-1]

    @property
    def output_channels(self):
        return self.kernels["kernel"].shape[-2]

    def with_outputs(self, scale):
        return {"kernel": self.kernels["kernel"] * scale[:, None]}

    def with_inputs(self, scale):
        return {"kernel": self.kernels["kernel"] * scale}

    def of_constant(self, offset):
        if max(*self.layer.kernel_size, *self.layer.strides) > 1:
            raise Hindered(
                f"not every output of {told(self.layer)} sees as many inputs, and so the shift of a normalized input"
            )
        return _over_window(self.kernels["kernel"]) @ offset


class DepthwiseWeights(ConvolutionWeights):
    """Of a depthwise convolution: kernel (*window, channels, multiplier)."""

    depthwise = "kernel"

    @property
    def input_channels(self):
        return self.kernels[self.depthwise].shape[-2]

    @property
    def output_channels(self):
        return self._between

    @property
    def _between(self):
        return int(np.prod(self.kernels[self.depthwise].shape[-2:]))

    def with_outputs(self, scale):
        kernel = self.kernels["kernel"]
        return {"kernel": kernel * scale.reshape(kernel.shape[-2:])}

    def with_inputs(self, scale):
        return {self.depthwise: self.kernels[self.depthwise] * scale[:, None]}

    def of_constant(self, offset):
        self._check_unpadded()
        return (_over_window(self.kernels[self.depthwise]) * offset[:, None]).ravel()


class SeparableWeights(DepthwiseWeights):
    """Of a separable convolution: a depthwise kernel, and one that mixes its channels."""

    names = ("depthwise_kernel", "pointwise_kernel")
    depthwise = "depthwise_kernel"

    @property
    def output_channels(self):
        return self.kernels["pointwise_kernel"].shape[-1]

    def with_outputs(self, scale):
        return {"pointwise_kernel": self.kernels["pointwise_kernel"] * scale}

    def of_constant(self, offset):
        return super().of_constant(offset) @ _over_window(self.kernels["pointwise_kernel"])


def _over_window(kernel):
    """The sum over all places of the window."""
    return kernel.sum(tuple(range(kernel.ndim - 2)))


ABSORBERS = {
    Dense: DenseWeights,
    **dict.fromkeys((Conv1D, Conv2D, Conv3D), ConvolutionWeights),
    **dict.fromkeys((Conv1DTranspose, Conv2DTranspose, Conv3DTranspose), TransposedWeights),
    **dict.fromkeys((DepthwiseConv1D, DepthwiseConv2D), DepthwiseWeights),
    **dict.fromkeys((SeparableConv1D, SeparableConv2D), SeparableWeights),
}

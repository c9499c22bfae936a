"""The convolution layers' rows of the parity table: class name, arguments, input shapes. Every argument is somewhere not its default."""

RULES = {
    "bias_initializer": "ones",
    "bias_regularizer": "l1",
    "activity_regularizer": "l2",
    "bias_constraint": "non_neg",
}
KERNEL = {**RULES, "kernel_initializer": "he_normal", "kernel_regularizer": "l2", "kernel_constraint": "max_norm"}
DEPTHWISE = {
    **RULES,
    "depthwise_initializer": "he_normal",
    "depthwise_regularizer": "l2",
    "depthwise_constraint": "max_norm",
}
POINTWISE = {
    "pointwise_initializer": "lecun_normal",
    "pointwise_regularizer": "l1",
    "pointwise_constraint": "unit_norm",
}
FIRST = {"data_format": "channels_first"}

CONVOLUTION = [
    ("Conv1D", {"filters": 3, "kernel_size": 2}, (4, 6, 2)),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2, "activation": "tanh"}, (4, 7, 2)),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", "strides": 2, "groups": 2, **FIRST}, (4, 4, 7)),
    ("Conv1D", {"filters": 4, "kernel_size": 4, "padding": "same", "strides": 3, "use_bias": False}, (4, 8, 2)),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "groups": 4, "padding": "SAME", **KERNEL}, (4, 6, 4)),
    ("Conv2D", {"filters": 3, "kernel_size": (2, 3)}, (3, 5, 6, 2)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2, "activation": "relu", **KERNEL}, (3, 5, 6, 2)),
    ("Conv2D", {"filters": 4, "kernel_size": 2, "dilation_rate": (1, 2), "use_bias": False, **FIRST}, (3, 2, 5, 6)),
    ("Conv2D", {"filters": 6, "kernel_size": (3, 2), "strides": (1, 2), "padding": "same", "groups": 2, **FIRST}, (3, 4, 5, 6)),
    ("Conv2D", {"filters": 4, "kernel_size": 1}, (3, 3, 4, 2)),
    ("Conv3D", {"filters": 3, "kernel_size": 2}, (2, 3, 4, 3, 2)),
    ("Conv3D", {"filters": 4, "kernel_size": (2, 1, 3), "strides": 2, "padding": "same", "groups": 2, **KERNEL}, (2, 4, 3, 4, 2)),
    ("Conv3D", {"filters": 2, "kernel_size": 2, "dilation_rate": 2, "use_bias": False, "activation": "tanh", **FIRST}, (2, 2, 4, 3, 3)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3}, (4, 5, 2)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1, **KERNEL}, (4, 5, 2)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 2, "strides": 3, "activation": "tanh", **FIRST}, (4, 2, 5)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 4, "dilation_rate": 2, "padding": "same", "use_bias": False}, (4, 5, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": (2, 3)}, (3, 3, 4, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu", **KERNEL}, (3, 3, 4, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 2, "strides": (2, 3), "output_padding": (1, 0), "use_bias": False, **FIRST}, (3, 2, 3, 4)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "dilation_rate": (2, 1), "padding": "same"}, (3, 3, 4, 2)),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2}, (2, 2, 3, 2, 2)),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": (1, 2, 3), "strides": 2, "padding": "same", "output_padding": 1, **KERNEL}, (2, 2, 3, 2, 2)),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "dilation_rate": 2, "use_bias": False, "activation": "tanh", **FIRST}, (2, 2, 2, 3, 2)),
    ("DepthwiseConv1D", {"kernel_size": 2}, (4, 6, 3)),
    ("DepthwiseConv1D", {"kernel_size": 3, "strides": 2, "padding": "same", "depth_multiplier": 2, "activation": "tanh", **DEPTHWISE}, (4, 6, 3)),
    ("DepthwiseConv1D", {"kernel_size": 3, "dilation_rate": 2, "use_bias": False, **FIRST}, (4, 3, 7)),
    ("DepthwiseConv2D", {"kernel_size": (2, 3)}, (3, 5, 6, 2)),
    ("DepthwiseConv2D", {"kernel_size": 3, "strides": (2, 2), "padding": "same", "depth_multiplier": 2, "activation": "relu", **DEPTHWISE}, (3, 5, 6, 2)),
    ("DepthwiseConv2D", {"kernel_size": 2, "dilation_rate": 2, "strides": 1, "use_bias": False, "depth_multiplier": 3, **FIRST}, (3, 2, 5, 6)),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 2}, (4, 6, 3)),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same", "depth_multiplier": 2, "activation": "tanh", **DEPTHWISE, **POINTWISE}, (4, 6, 3)),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 3, "dilation_rate": 2, "use_bias": False, **FIRST}, (4, 3, 7)),
    ("SeparableConv2D", {"filters": 4, "kernel_size": (2, 3)}, (3, 5, 6, 2)),
    ("SeparableConv2D", {"filters": 4, "kernel_size": 3, "strides": (2, 2), "padding": "same", "depth_multiplier": 2, "activation": "relu", **DEPTHWISE, **POINTWISE}, (3, 5, 6, 2)),
    ("SeparableConv2D", {"filters": 4, "kernel_size": 2, "dilation_rate": (2, 1), "use_bias": False, **FIRST}, (3, 2, 5, 6)),
]  # fmt: skip

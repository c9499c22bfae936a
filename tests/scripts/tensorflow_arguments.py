"""What TensorFlow 2.21 calls the arguments of the functions that scripts find here, in its order; without its `layout` of devices, and
of `tf.function` the first two."""

ARGUMENTS = {
    "x, name": """
        tf.abs tf.acos tf.asin tf.atan tf.cos tf.cosh tf.exp tf.floor tf.logical_not tf.negative tf.round tf.sigmoid tf.sign
        tf.sin tf.sinh tf.sqrt tf.square tf.tan tf.tanh tf.math.abs tf.math.acos tf.math.asin tf.math.atan tf.math.ceil
        tf.math.cos tf.math.cosh tf.math.erf tf.math.exp tf.math.expm1 tf.math.floor tf.math.is_finite tf.math.is_inf
        tf.math.is_nan tf.math.log tf.math.log1p tf.math.logical_not tf.math.negative tf.math.reciprocal tf.math.round
        tf.math.rsqrt tf.math.sigmoid tf.math.sign tf.math.sin tf.math.sinh tf.math.sqrt tf.math.square tf.math.tan
        tf.math.tanh tf.nn.sigmoid tf.nn.tanh
    """,
    "x, y, name": """
        tf.add tf.divide tf.equal tf.greater tf.greater_equal tf.less tf.less_equal tf.logical_and tf.logical_or tf.maximum
        tf.minimum tf.multiply tf.not_equal tf.pow tf.subtract tf.math.add tf.math.divide tf.math.equal tf.math.greater
        tf.math.greater_equal tf.math.less tf.math.less_equal tf.math.logical_and tf.math.logical_or tf.math.logical_xor
        tf.math.maximum tf.math.minimum tf.math.multiply tf.math.not_equal tf.math.pow tf.math.squared_difference
        tf.math.subtract tf.math.divide_no_nan
    """,
    "input, axis, output_type, name": """
        tf.argmax tf.argmin tf.math.argmax tf.math.argmin
    """,
    "y, x, name": """
        tf.atan2 tf.math.atan2
    """,
    "x, axis, exclusive, reverse, name": """
        tf.cumsum tf.math.cumsum
    """,
    "input_tensor, axis, keepdims, name": """
        tf.reduce_all tf.reduce_any tf.reduce_logsumexp tf.reduce_max tf.reduce_mean tf.reduce_min tf.reduce_prod
        tf.reduce_sum tf.math.reduce_all tf.math.reduce_any tf.math.reduce_max tf.math.reduce_min tf.math.reduce_prod
        tf.math.reduce_sum tf.math.reduce_std tf.math.reduce_variance tf.math.reduce_logsumexp tf.math.reduce_mean
    """,
    "x, dtype, name": """
        tf.cast
    """,
    "t, clip_value_min, clip_value_max, name": """
        tf.clip_by_value
    """,
    "values, axis, name": """
        tf.concat tf.stack
    """,
    "value, dtype, shape, name": """
        tf.constant
    """,
    "value, dtype, dtype_hint, name": """
        tf.convert_to_tensor
    """,
    "": """
        tf.executing_eagerly tf.get_logger
    """,
    "input, axis, name": """
        tf.expand_dims tf.squeeze
    """,
    "num_rows, num_columns, batch_shape, dtype, name": """
        tf.eye
    """,
    "dims, value, name": """
        tf.fill
    """,
    "func, input_signature": """
        tf.function
    """,
    "params, indices, validate_indices, axis, batch_dims, name": """
        tf.gather
    """,
    "input, name": """
        tf.identity tf.rank tf.stop_gradient
    """,
    "x": """
        tf.is_tensor
    """,
    "a, b, transpose_a, transpose_b, adjoint_a, adjoint_b, a_is_sparse, b_is_sparse, output_type, grad_a, grad_b, name": """
        tf.matmul
    """,
    "indices, depth, on_value, off_value, axis, dtype, name": """
        tf.one_hot
    """,
    "shape, dtype, name": """
        tf.ones tf.zeros
    """,
    "input, dtype, name": """
        tf.ones_like tf.zeros_like
    """,
    "tensor, paddings, mode, constant_values, name": """
        tf.pad
    """,
    "start, limit, delta, dtype, name": """
        tf.range
    """,
    "input, repeats, axis, name": """
        tf.repeat
    """,
    "tensor, shape, name": """
        tf.reshape
    """,
    "input, out_type, name": """
        tf.shape
    """,
    "value, num_or_size_splits, axis, num, name": """
        tf.split
    """,
    "input, multiples, name": """
        tf.tile
    """,
    "a, perm, conjugate, name": """
        tf.transpose
    """,
    "value, num, axis, name": """
        tf.unstack
    """,
    "condition, x, y, name": """
        tf.where
    """,
    "features, name": """
        tf.math.softplus tf.nn.elu tf.nn.relu tf.nn.relu6 tf.nn.selu tf.nn.softplus tf.nn.softsign
    """,
    "x, axis, epsilon, name, dim": """
        tf.math.l2_normalize tf.nn.l2_normalize
    """,
    "input, k, sorted, index_type, name": """
        tf.math.top_k tf.nn.top_k
    """,
    "features, approximate, name": """
        tf.nn.gelu
    """,
    "features, alpha, name": """
        tf.nn.leaky_relu
    """,
    "logits, axis, name": """
        tf.nn.log_softmax tf.nn.softmax
    """,
    "labels, logits, name": """
        tf.nn.sigmoid_cross_entropy_with_logits tf.nn.sparse_softmax_cross_entropy_with_logits
    """,
    "features, beta": """
        tf.nn.silu tf.nn.swish
    """,
    "labels, logits, axis, name": """
        tf.nn.softmax_cross_entropy_with_logits
    """,
    "shape, mean, stddev, dtype, seed, name": """
        tf.random.normal tf.random.truncated_normal
    """,
    "seed": """
        tf.random.set_seed
    """,
    "value, seed, name": """
        tf.random.shuffle
    """,
    "shape, minval, maxval, dtype, seed, name": """
        tf.random.uniform
    """,
}

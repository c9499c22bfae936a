"""The models that several cases measure: a small, a wide and a deep one."""


def small(library, activation=None):
    """8 features, three layers, one output."""
    layers = library.layers
    return library.Sequential(
        [
            library.Input((8,)),
            layers.Dense(32, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(1, activation=activation),
        ]
    )


def wide(library):
    """1024 features, 20 million weights, 10 classes."""
    layers = library.layers
    return library.Sequential(
        [
            library.Input((1024,)),
            layers.Dense(4096, activation="relu"),
            layers.Dense(3848, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def deep(library, width=64):
    """`width` features, 75 residual blocks of four layers each, 10 classes."""
    layers = library.layers
    inputs = library.Input((width,))
    outputs = inputs
    for _ in range(75):
        branch = layers.Dense(width, activation="relu")(outputs)
        branch = layers.BatchNormalization()(branch)
        branch = layers.Dropout(0.1)(branch)
        outputs = layers.Add()([outputs, branch])
    return library.Model(inputs, layers.Dense(10, activation="softmax")(outputs))

"""The models that several cases measure: a small, a wide and a deep one."""

from network_sizes import INVERTED_RESIDUALS


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


def resnet20(library):
    """32 x 32 images of 3 channels, the 20 layers of He et al. (2016, section 4.2), 10 classes."""
    layers = library.layers

    def convolved(x, filters, strides=1):
        x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = library.Input((32, 32, 3))
    outputs = layers.ReLU()(convolved(inputs, 16))
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if filters > 16 and block == 0 else 1
            branch = layers.ReLU()(convolved(outputs, filters, strides))
            branch = convolved(branch, filters)
            if strides == 2:
                outputs = layers.Conv2D(filters, 1, strides=2, use_bias=False)(outputs)
            outputs = layers.ReLU()(layers.Add()([outputs, branch]))
    outputs = layers.GlobalAveragePooling2D()(outputs)
    return library.Model(inputs, layers.Dense(10, activation="softmax")(outputs))


def resnet50(library, size=32):
    """Square images of 3 channels, the 50 layers of He et al. (2016, table 1), 10 classes; 24 million weights."""
    layers = library.layers

    def convolved(x, filters, size=1, strides=1):
        return layers.BatchNormalization()(layers.Conv2D(filters, size, strides=strides, padding="same")(x))

    inputs = library.Input((size, size, 3))
    outputs = layers.MaxPooling2D(3, 2, "same")(layers.ReLU()(convolved(inputs, 64, 7, 2)))
    for filters, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            strides = 2 if filters > 64 and block == 0 else 1
            branch = layers.ReLU()(convolved(outputs, filters, 1, strides))
            branch = convolved(layers.ReLU()(convolved(branch, filters, 3)), 4 * filters)
            shortcut = convolved(outputs, 4 * filters, 1, strides) if block == 0 else outputs
            outputs = layers.ReLU()(layers.Add()([shortcut, branch]))
    return library.Model(inputs, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(outputs)))


def resnet50_at_96(library):
    """The same on images of 96 x 96."""
    return resnet50(library, 96)


def mobilenet(library):
    """96 x 96 images of 3 channels, the inverted residuals of MobileNetV2 (Sandler et al. 2018, table 2), 10 classes."""
    layers = library.layers

    def convolved(x, filters, size=1, strides=1):
        x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    def inverted_residual(x, expansion, filters, strides):
        branch = layers.ReLU(6.0)(convolved(x, expansion * x.shape[-1])) if expansion > 1 else x
        branch = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(branch)
        branch = convolved(layers.ReLU(6.0)(layers.BatchNormalization()(branch)), filters)
        return layers.Add()([x, branch]) if strides == 1 and x.shape[-1] == filters else branch

    inputs = library.Input((96, 96, 3))
    outputs = layers.ReLU(6.0)(convolved(inputs, 32, 3, 2))
    for expansion, filters, blocks, first in INVERTED_RESIDUALS:
        for block in range(blocks):
            outputs = inverted_residual(outputs, expansion, filters, first if block == 0 else 1)
    outputs = layers.GlobalAveragePooling2D()(layers.ReLU(6.0)(convolved(outputs, 640)))
    return library.Model(inputs, layers.Dense(10, activation="softmax")(outputs))


def lstm(library):
    """50 steps of 64 features, two LSTMs of 64 units, each followed by batch normalization, 10 classes."""
    layers = library.layers
    return library.Sequential(
        [
            library.Input((50, 64)),
            layers.LSTM(64, return_sequences=True),
            layers.BatchNormalization(),
            layers.LSTM(64),
            layers.BatchNormalization(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def transformer(library):
    """Sequences of 64 x 64, two blocks of attention and two dense layers, 10 classes."""
    layers = library.layers
    inputs = library.Input((64, 64))
    outputs = inputs
    for _ in range(2):
        normalized = layers.LayerNormalization()(outputs)
        attended = layers.MultiHeadAttention(4, 16)(normalized, normalized)
        outputs = layers.Add()([outputs, layers.Dropout(0.1)(attended)])
        branch = layers.Dense(256, activation="gelu")(layers.LayerNormalization()(outputs))
        outputs = layers.Add()([outputs, layers.Dropout(0.1)(layers.Dense(64)(branch))])
    outputs = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(outputs))
    return library.Model(inputs, layers.Dense(10, activation="softmax")(outputs))


def residual_1d(library):
    """128 steps of 64 channels, four residual blocks of two convolutions with batch normalization, 10 classes."""
    layers = library.layers
    inputs = library.Input((128, 64))
    outputs = inputs
    for _ in range(4):
        branch = layers.Conv1D(64, 3, padding="same", use_bias=False)(outputs)
        branch = layers.ReLU()(layers.BatchNormalization()(branch))
        branch = layers.Conv1D(64, 3, padding="same", use_bias=False)(branch)
        branch = layers.BatchNormalization()(branch)
        outputs = layers.ReLU()(layers.Add()([outputs, branch]))
    outputs = layers.GlobalAveragePooling1D()(outputs)
    return library.Model(inputs, layers.Dense(10, activation="softmax")(outputs))


def small_cnn(library):
    """Images of 28 x 28 x 1, two convolutions with batch normalization and pooling, 10 classes: what beginners train on digits."""
    layers = library.layers
    chain = [library.Input((28, 28, 1))]
    for filters in (16, 32):
        chain += [layers.Conv2D(filters, 3), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()]
    return library.Sequential([*chain, layers.Flatten(), layers.Dense(10, activation="softmax")])

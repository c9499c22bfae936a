"""How the files beside this were made: by Keras 2 (tf_keras 2.21 on TensorFlow 2.21), which the tests do not need.

Each `.h5.gz` is a whole model that Keras 2 saved, packed by gzip -9 -n; the `.npz` beside it has an input, what the model predicts for it,
and for compiled models a target and the weights after one more step on it.

    python make_keras2_files.py [name of a function below]
"""

import gzip
import os
import sys

import numpy as np
import tensorflow as tf
import tf_keras as k

L = k.layers
rng = np.random.default_rng(0)


def finish(model, name, shape, compiled=None):
    """Give the model random weights, train it where it is compiled, save it, and note what it does."""
    model.set_weights([rng.uniform(0.1, 1.0, w.shape).astype("float32") for w in model.get_weights()])
    x, noted = rng.normal(size=(3, *shape)).astype("float32"), {}
    target = np.abs(rng.normal(size=model.predict(x, verbose=0).shape)).astype("float32")
    target /= target.sum(-1, keepdims=True)
    if compiled:
        model.compile(**compiled)
        model.fit(x, target, verbose=0, epochs=2, batch_size=3, shuffle=False)
    model.save(f"{name}.h5")
    y = model.predict(x, verbose=0)
    if compiled:
        model.fit(x, target, verbose=0, epochs=1, batch_size=3, shuffle=False)
        noted = {"target": target, **{f"after_{i}": w for i, w in enumerate(model.get_weights())}}
    np.savez_compressed(f"{name}.npz", x=x, y=y, **noted)
    with open(f"{name}.h5", "rb") as file, open(f"{name}.h5.gz", "wb") as packed:
        packed.write(gzip.compress(file.read(), 9, mtime=0))
    os.unlink(f"{name}.h5")


def recurrent():
    x = k.Input((4, 3))
    h = L.Bidirectional(L.LSTM(2, return_sequences=True))(x)
    h = L.GRU(2, return_sequences=True)(h)
    h = L.SimpleRNN(2, return_sequences=True)(h)
    h = L.LSTM(2, return_sequences=True, go_backwards=True, recurrent_activation="hard_sigmoid")(h)
    h = L.RNN([L.GRUCell(2, reset_after=False)])(h)
    optimizer = k.optimizers.legacy.Adam(0.01)
    return k.Model(x, L.Dense(2)(h)), (4, 3), {"optimizer": optimizer, "loss": "mse"}


def convolutional():
    model = k.Sequential(
        [
            L.InputLayer(batch_input_shape=(None, 8, 8, 3)),
            L.Conv2D(2, 3, padding="same", activation="relu"),
            L.BatchNormalization(),
            L.DepthwiseConv2D(2),
            L.SeparableConv2D(2, 2),
            L.MaxPooling2D(),
            L.Conv2DTranspose(2, 2, strides=2),
            L.ReLU(6.0),
            L.LeakyReLU(),
            L.ZeroPadding2D(((1, 0), (0, 1))),
            L.GlobalAveragePooling2D(),
            L.Dense(2, activation="softmax"),
        ]
    )
    optimizer = k.optimizers.legacy.SGD(0.1, momentum=0.9, decay=0.1)
    return model, (8, 8, 3), {"optimizer": optimizer, "loss": "categorical_crossentropy", "metrics": ["accuracy"]}


def nested():
    inner = k.Sequential(
        [L.Dense(3, activation="tanh", name="hidden"), L.BatchNormalization(name="norm")], name="inner"
    )
    a, shared = k.Input((3,), name="a"), L.Dense(3, name="shared")
    h = L.Concatenate()([shared(inner(a)), shared(a)])
    h = L.LayerNormalization()(L.Add()([h, h]))
    y = L.Dense(1, kernel_regularizer="l2", kernel_initializer="he_normal")(h)
    model = k.Model(inputs=[a], outputs=y, name="outer")
    inner.layers[0].trainable = False
    metrics = [k.metrics.MeanAbsoluteError()]
    return model, (3,), {"optimizer": k.optimizers.Adam(0.01), "loss": k.losses.MeanSquaredError(), "metrics": metrics}


def arithmetic():
    x = k.Input((4, 3))
    h = 2.0 * (L.Dense(3)(x) + 1.0)
    h = tf.math.multiply(h, x)[:, 1:]
    h = (tf.nn.relu(h) - 0.5) / 2.0
    h = tf.reshape(tf.concat([h, h], axis=-1), (-1, 18))
    h = tf.math.reduce_mean(h, axis=1, keepdims=True) + h
    h = tf.square(-h) ** 0.5
    return k.Model(x, L.Dense(2)(h)), (4, 3), None


def attention():
    x = k.Input((4, 3))
    h = L.Add()([x, L.MultiHeadAttention(2, 2)(x, x)])
    h = L.LayerNormalization(epsilon=1e-6)(h)
    h = L.Flatten()(L.Attention()([h, h]))
    return k.Model(x, L.Dense(2)(h)), (4, 3), None


if __name__ == "__main__":
    for make in (recurrent, convolutional, nested, arithmetic, attention):
        if not sys.argv[1:] or make.__name__ in sys.argv[1:]:
            k.backend.clear_session()
            model, shape, compiled = make()
            finish(model, f"keras2_{make.__name__}", shape, compiled)

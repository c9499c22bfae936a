"""How the files beside this were made: by Keras 3.15 on TensorFlow 2.21, which the tests do not need.

Each `NAME.keras.gz` is a model that Keras saved, packed; all its layers take the same input. `NAME.npz` beside it has that input as "x"
and, under "0", "1" …, what each layer gives for it.

    KERAS_BACKEND=tensorflow python make_vocabulary_files.py
"""

import gzip
import pathlib

import keras
import numpy as np
import tensorflow as tf
from keras import layers

FOLDER = pathlib.Path(__file__).parent
WORDS = np.array(
    [
        ["cat", "dog", "emu"],
        ["fox", "cat", ""],
        ["gnu", "Émile", "日本"],
        ["[UNK]", "cat", "dog"],
        ["dog dog", " ", "x"],
    ]
)
DOCUMENTS = np.array([["cat", "cat", "dog"], ["emu", "cat", "dog"], ["Émile", "日本", "cat"], ["", "dog", "fox fox"]])
NUMBERS = np.array([[3, 1, 7], [-1, 0, 3], [12, 7, 7], [5, 2**31 - 1, -4], [1, 1, 1]])
TEXTS = np.array(
    [
        "The cat, the dog!",
        "A  cat\tand\na dog.",
        "",
        "Émile's 日本 cat; CAT",
        "x",
        "don't [UNK] #tag <b>",
        "\u00a0non\u2003breaking\u0085 space\x1f",
    ]
)
CORPUS = np.array(["the cat and the dog", "a cat; a cat", "Émile the 日本", "dog's dog", ""])
VALUES = np.array([[0.0, -1.0, 2.5], [0.5, 0.75, np.pi], [-3.0, 100.0, 1.0], [0.25, 0.5, -0.5]], "float32")


def adapted(layer, data):
    layer.adapt(data)
    return layer


def string_lookups():
    given = ["cat", "dog", "emu", "fox"]
    yield layers.StringLookup(vocabulary=given)
    yield layers.StringLookup(vocabulary=given, mask_token="")
    yield layers.StringLookup(vocabulary=given, num_oov_indices=3)
    yield layers.StringLookup(vocabulary=given, num_oov_indices=3, mask_token="cat_", oov_token="?")
    yield layers.StringLookup(vocabulary=["", "[UNK]", "cat", "dog"], mask_token="")
    for mode in ("multi_hot", "count"):
        yield layers.StringLookup(vocabulary=given, output_mode=mode)
        yield layers.StringLookup(vocabulary=given, output_mode=mode, num_oov_indices=2, mask_token="")
        yield layers.StringLookup(vocabulary=given, output_mode=mode, max_tokens=9, pad_to_max_tokens=True)
    yield layers.StringLookup(vocabulary=given, output_mode="one_hot")
    yield layers.StringLookup(vocabulary=given, output_mode="tf_idf", idf_weights=[0.5, 1.5, 2.0, 0.25])
    yield layers.StringLookup(
        vocabulary=given, output_mode="tf_idf", idf_weights=[0.5, 1.5, 2.0, 0.25], max_tokens=8, pad_to_max_tokens=True
    )
    yield adapted(layers.StringLookup(), DOCUMENTS)
    yield adapted(layers.StringLookup(max_tokens=4, mask_token=""), DOCUMENTS)
    yield adapted(layers.StringLookup(num_oov_indices=2, mask_token="dog"), DOCUMENTS)
    yield adapted(layers.StringLookup(output_mode="tf_idf"), DOCUMENTS)
    yield adapted(layers.StringLookup(output_mode="tf_idf", num_oov_indices=2), DOCUMENTS)
    yield adapted(layers.StringLookup(output_mode="tf_idf", max_tokens=5), DOCUMENTS)
    yield adapted(layers.StringLookup(output_mode="tf_idf", max_tokens=12, pad_to_max_tokens=True), DOCUMENTS)
    yield adapted(layers.StringLookup(output_mode="count", max_tokens=12, pad_to_max_tokens=True), DOCUMENTS)
    later = layers.StringLookup(mask_token="", num_oov_indices=1)
    later.set_vocabulary(["emu", "日本"])
    yield later
    yield layers.Hashing(num_bins=5)
    yield layers.Hashing(num_bins=5, mask_value="")
    yield layers.Hashing(num_bins=7, salt=13)
    yield layers.Hashing(num_bins=7, salt=[13, 2**40])
    for mode in ("multi_hot", "count", "one_hot"):
        yield layers.Hashing(num_bins=4, output_mode=mode)


def integer_lookups():
    given = [3, 7, 1]
    yield layers.IntegerLookup(vocabulary=given)
    yield layers.IntegerLookup(vocabulary=given, mask_token=0)
    yield layers.IntegerLookup(vocabulary=given, num_oov_indices=3)
    yield layers.IntegerLookup(vocabulary=given, num_oov_indices=2, mask_token=-4, oov_token=-9)
    yield layers.IntegerLookup(vocabulary=[0, -1, 3, 7], mask_token=0)
    for mode in ("multi_hot", "count", "one_hot"):
        yield layers.IntegerLookup(vocabulary=given, output_mode=mode)
        yield layers.IntegerLookup(vocabulary=given, output_mode=mode, num_oov_indices=2, mask_token=0)
        yield layers.IntegerLookup(vocabulary=given, output_mode=mode, max_tokens=8, pad_to_max_tokens=True)
    yield layers.IntegerLookup(vocabulary=given, output_mode="tf_idf", idf_weights=[0.5, 1.5, 2.0])
    yield adapted(layers.IntegerLookup(), NUMBERS)
    yield adapted(layers.IntegerLookup(max_tokens=4, mask_token=1), NUMBERS)
    yield adapted(layers.IntegerLookup(output_mode="tf_idf"), NUMBERS)
    yield adapted(
        layers.IntegerLookup(output_mode="tf_idf", max_tokens=20, pad_to_max_tokens=True, num_oov_indices=2), NUMBERS
    )
    yield adapted(layers.IntegerLookup(output_mode="multi_hot", num_oov_indices=2), NUMBERS)
    later = layers.IntegerLookup()
    later.set_vocabulary([12, 5])
    yield later
    yield layers.Hashing(num_bins=5)
    yield layers.Hashing(num_bins=5, mask_value=3)
    yield layers.Hashing(num_bins=7, salt=[13, 37])


def texts():
    given = ["cat", "dog", "the", "日本"]
    yield adapted(layers.TextVectorization(), CORPUS)
    yield layers.TextVectorization(vocabulary=given)
    yield layers.TextVectorization(vocabulary=given, output_sequence_length=3)
    for standardize in ("lower", "strip_punctuation", None, "lower_and_strip_punctuation"):
        yield adapted(layers.TextVectorization(standardize=standardize, output_sequence_length=6), CORPUS)
    yield adapted(layers.TextVectorization(split="character"), CORPUS)
    yield adapted(layers.TextVectorization(split=None), CORPUS)
    yield adapted(layers.TextVectorization(ngrams=2), CORPUS)
    yield adapted(layers.TextVectorization(ngrams=(1, 3), output_sequence_length=5), CORPUS)
    yield adapted(layers.TextVectorization(max_tokens=4), CORPUS)
    for mode in ("multi_hot", "count", "tf_idf"):
        yield adapted(layers.TextVectorization(output_mode=mode), CORPUS)
        yield adapted(layers.TextVectorization(output_mode=mode, max_tokens=30, pad_to_max_tokens=True), CORPUS)
        yield adapted(layers.TextVectorization(output_mode=mode, max_tokens=5, ngrams=2), CORPUS)
    yield layers.TextVectorization(vocabulary=given, output_mode="tf_idf", idf_weights=[1.0, 2.0, 0.5, 0.25])


def numbers():
    yield layers.Discretization([-0.5, 0.5, 0.75])
    for mode in ("multi_hot", "count", "one_hot"):
        yield layers.Discretization([-0.5, 0.5], output_mode=mode)
    yield adapted(layers.Discretization(num_bins=4), VALUES)
    yield adapted(layers.Discretization(num_bins=3, epsilon=0.1), VALUES)
    yield adapted(layers.Normalization(), VALUES)
    yield adapted(layers.Normalization(axis=None), VALUES)
    yield adapted(layers.Normalization(axis=-1, invert=True), VALUES)
    yield layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 0.25])
    yield layers.Normalization(axis=None, mean=2.0, variance=3.0)


MODELS = {
    "strings": (string_lookups, "string", WORDS),
    "integers": (integer_lookups, "int64", NUMBERS),
    "texts": (texts, "string", TEXTS[:, None]),
    "values": (numbers, "float32", VALUES),
}


def write(name):
    """The model of these layers side by side, and what it predicts."""
    parts, dtype, x = MODELS[name]
    inputs = keras.Input(x.shape[1:], dtype=dtype, name="x")
    model = keras.Model(inputs, [layer(inputs) for layer in parts()])
    np.savez_compressed(
        FOLDER / f"{name}.npz", x=x, **{str(n): np.asarray(y) for n, y in enumerate(model(tf.constant(x)))}
    )
    path = FOLDER / f"{name}.keras"
    model.save(path)
    path.with_suffix(".keras.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    path.unlink()


if __name__ == "__main__":
    for name in MODELS:
        write(name)

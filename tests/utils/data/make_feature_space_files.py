"""How the files beside this were made: by Keras 3.15.1 on TensorFlow 2.21, which the tests do not need.

Each `.keras.gz` is what Keras saved, packed by gzip -9 -n; the `.npz` beside it has what Keras made of the rows below.

    KERAS_BACKEND=tensorflow python make_feature_space_files.py
"""

import gzip
import os

import keras
import numpy as np

FeatureSpace = keras.utils.FeatureSpace
TABLE = {
    "age": [20.0, 30.0, 40.0, 50.0],
    "city": ["bonn", "rome", "bonn", "oslo"],
    "code": [5, 6, 5, 7],
    "cut": [0.1, 0.2, 0.3, 0.3],
    "kept": [1.5, 2.5, 3.5, 4.5],
    "plain": [9.0, 8.0, 7.0, 6.0],
    "tag": ["x", "y", "z", "x"],
    "text": ["a b", "b c", "c", "d"],
}
OTHER = {
    "age": [0.0, 35.0],
    "city": ["rome", "paris"],
    "code": [8, 7],
    "cut": [0.0, 0.25],
    "kept": [-1.0, 2.0],
    "plain": [1.0, 2.0],
    "tag": ["z", "w"],
    "text": ["b b c", "e"],
}


def as_arrays(table):
    return {name: np.array(values) for name, values in table.items()}


def write(space, name):
    space.save("written.keras")
    with open("written.keras", "rb") as file, open(f"{name}.keras.gz", "wb") as packed:
        packed.write(gzip.compress(file.read(), 9, mtime=0))
    os.unlink("written.keras")


def of(*columns, table=TABLE):
    return {name: table[name] for name in columns}


def vector():
    """Every kind of feature, as one vector a row."""
    columns = ("age", "city", "code", "cut", "kept", "plain", "tag")
    space = FeatureSpace(
        {
            "age": "float_normalized",
            "city": "string_categorical",
            "code": FeatureSpace.integer_categorical(num_oov_indices=2),
            "cut": FeatureSpace.float_discretized(6),
            "kept": "float",
            "plain": FeatureSpace.float_rescaled(2.0, 1.0),
            "tag": FeatureSpace.string_hashed(3),
        },
        crosses=[("city", "code")],
        crossing_dim=5,
    )
    space.adapt(as_arrays(of(*columns)))
    np.savez_compressed("vector.npz", rows=space(as_arrays(of(*columns, table=OTHER))))
    write(space, "vector")


def apart():
    """Features and a cross by their names, words with weights among them."""
    columns = ("city", "code", "text")
    space = FeatureSpace(
        {
            "city": FeatureSpace.string_categorical(output_mode="int"),
            "code": FeatureSpace.integer_hashed(4, output_mode="int"),
            "text": FeatureSpace.feature("string", keras.layers.TextVectorization(output_mode="tf_idf"), "float"),
        },
        output_mode="dict",
        crosses=[FeatureSpace.cross(("city", "code"), 8, "int")],
    )
    space.adapt(as_arrays(of(*columns)))
    rows = space(as_arrays(of(*columns, table=OTHER)))
    np.savez_compressed("apart.npz", **{name: np.asarray(each) for name, each in rows.items()})
    write(space, "apart")


def unadapted():
    """What Keras writes of a space that has seen no data, and cannot open."""
    write(FeatureSpace({"age": "float_normalized", "kept": "float"}), "unadapted")


if __name__ == "__main__":
    vector()
    apart()
    unadapted()

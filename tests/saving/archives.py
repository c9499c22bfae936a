"""Archives to take apart: a small model's members, and files made of changed ones."""

import functools
import io
import json
import zipfile

import h5py
import numpy as np

import phasewise as pw


@functools.cache
def _members_of(kind):
    model = {"chain": _chain, "words": _words, "graph": _graph, "space": _space}[kind]()
    file = io.BytesIO()
    pw.models.whole_file.write(model, file)
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _chain():
    layers = pw.layers
    model = pw.Sequential(
        [pw.Input((4,)), layers.Dense(3, activation="relu", name="first"), layers.Dense(2, name="last")]
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((8, 4), "float32"), np.ones((8, 2), "float32"), verbose=0)
    return model


def _words():
    lookup = pw.layers.StringLookup(name="lookup")
    lookup.adapt(np.array(["a", "b", "b"], object))
    return pw.Sequential([pw.Input((), dtype="string"), lookup])


def _space():
    space = pw.utils.FeatureSpace({"age": "float_normalized", "city": "string_categorical", "kept": "float"})
    space.adapt({"age": [1.0, 2.0], "city": ["a", "b"], "kept": [0.0, 1.0]})
    return space


def _graph():
    layers = pw.layers
    x = pw.Input((8, 8, 3))
    h = layers.BatchNormalization()(layers.Conv2D(2, 3, kernel_regularizer="l2")(x))
    h = layers.Add()([h, layers.Conv2D(2, 1)(h) * 2.0])
    h = layers.Dense(4)(layers.Flatten()(layers.Dropout(0.5)(h)))
    head = pw.Sequential([pw.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)])
    model = pw.Model(x, {"a": head(h), "b": layers.Dense(1)(h)})
    model.compile("adam", {"a": "mse", "b": pw.losses.Huber()}, metrics={"a": ["mae"]})
    return model


def members(kind="chain"):
    """dict name -> bytes of a saved model's members."""
    return dict(_members_of(kind))


def config(kind="chain"):
    """The config, to be changed."""
    return json.loads(members(kind)["config.json"])


def written(path, parts):
    """An archive of these members (bytes, or what JSON is made of) at `path`."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part if isinstance(part, bytes) else json.dumps(part))
    return path


def with_config(path, changed, kind="chain"):
    """The archive with another config."""
    return written(path, {**members(kind), "config.json": changed})


def with_weights(path, change):
    """The archive after `change(h5py.File)`."""
    parts = members()
    file = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(file, "r+") as opened:
        change(opened)
    return written(path, {**parts, "model.weights.h5": file.getvalue()})

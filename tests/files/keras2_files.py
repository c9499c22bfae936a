"""Files that Keras 2 wrote; `data/make_keras2_files.py` tells how."""

import gzip
import pathlib

import numpy as np

DATA = pathlib.Path(__file__).parent / "data"
NAMES = ["recurrent", "convolutional", "nested", "arithmetic", "attention"]


def unpacked(name, folder):
    """(path of the `.h5` file in `folder`, what was noted of the model)."""
    path = folder / f"{name}.h5"
    path.write_bytes(gzip.decompress((DATA / f"keras2_{name}.h5.gz").read_bytes()))
    with np.load(DATA / f"keras2_{name}.npz") as noted:
        return path, dict(noted)

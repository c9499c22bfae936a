"""Seconds that `phasewise run` takes before a script's own work begins, over its imports of phasewise: the seed's import lines."""

import json
import os
import tempfile
import time

import phasewise  # noqa: F401 - the part that is not counted

SCRIPT = """
from tensorflow.python.data import Dataset
from tensorflow.python.keras import Input, Model
from tensorflow.python.keras.layers import BatchNormalization, Dense
"""

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "script.py")
    with open(path, "w") as file:
        file.write(SCRIPT)
    begun = time.perf_counter()
    from phasewise.cli.entry import main

    main(["run", path])
    print(json.dumps({"value": time.perf_counter() - begun}))

"""ResNet-50 out of a `.keras` file: `open_file.py LIBRARY seconds|memory`.

`memory` is the peak over what was resident before, as a multiple of the weights.
"""

import json
import os
import pathlib
import tempfile
import time

from libraries import arguments_given, load, name_given
from memory import peak, resident
from networks import resnet50

(measured,) = arguments_given()
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "model.keras"
    child = os.fork()  # what makes the file is another process, so that this one has seen nothing of it
    if child == 0:
        resnet50(load(name_given())).save(path)
        os._exit(0)
    os.waitpid(child, 0)
    library = load(name_given())
    small = pathlib.Path(folder) / "small.keras"
    library.Sequential([library.Input((1,)), library.layers.Dense(1)]).save(small)
    library.saving.load_model(small)  # what is imported for the first file is there
    before, begun = resident(), time.perf_counter()
    model = library.saving.load_model(path)
    seconds, reached = time.perf_counter() - begun, peak()  # what follows copies
    weights = sum(variable.numpy().nbytes for variable in model.weights) / 2**20
print(json.dumps({"value": {"seconds": seconds, "memory": (reached - before) / weights}[measured]}))

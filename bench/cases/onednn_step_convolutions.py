"""`step_convolutions.py` by oneDNN alone: compiles `convolution_times.cpp` against this environment's oneDNN and runs it."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from convolution_shapes import BATCH, SHAPES
from libraries import arguments_given

prefix = pathlib.Path(sys.prefix)
source = pathlib.Path(__file__).with_name("convolution_times.cpp")
(dtype,) = arguments_given() or ["float32"]
lines = "".join(f"{count} {' '.join(map(str, shape))}\n" for shape, count in SHAPES.items())
with tempfile.TemporaryDirectory() as folder:
    program = pathlib.Path(folder) / "convolution_times"
    library = f"-L{prefix / 'lib'}", f"-Wl,-rpath,{prefix / 'lib'}", "-ldnnl"
    compiler = os.environ.get("CXX", "c++")
    subprocess.run(
        [compiler, "-O2", "-std=c++17", source, "-o", program, f"-I{prefix / 'include'}", *library], check=True
    )
    done = subprocess.run([program, dtype, str(BATCH)], input=lines, capture_output=True, text=True, check=True)
print(json.dumps({"value": float(done.stdout)}))

"""Seconds of the first `explain()` in the process, of a model of 300 layers that is built."""

import json
import time

import networks
from libraries import load, name_given

model = networks.deep(load(name_given()))
begun = time.perf_counter()
rows = model.explain(print_fn=False)
seconds = time.perf_counter() - begun
assert len(rows) == 150, f"75 normalizations and 75 dropouts, but explain() tells of {len(rows)} layers"
print(json.dumps({"value": seconds}))

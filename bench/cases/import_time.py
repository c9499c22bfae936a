"""Seconds that importing the library takes after `import jax`."""

import json
import time

import jax  # noqa: F401 - the part that is not counted
from libraries import load, name_given

begun = time.perf_counter()
load(name_given())
print(json.dumps({"value": time.perf_counter() - begun}))

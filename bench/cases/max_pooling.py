"""Seconds that max pooling takes, forward and backward: windows of 2 x 2 over 64 feature maps of 28 x 28 x 64."""

import json

import jax
import jax.numpy as jnp
import numpy as np
from libraries import load, name_given
from timing import median_seconds

library = load(name_given())
rng = np.random.RandomState(0)
x, weights = (jnp.asarray(rng.randn(64, size, size, 64), jnp.float32) for size in (28, 14))
layer = library.layers.MaxPooling2D(2)
slope = jax.jit(jax.grad(lambda x: (layer(x) * weights).sum()))
print(json.dumps({"value": median_seconds(lambda: jax.block_until_ready(slope(x)), times=20, before=3)}))

"""A batch that is spread over eight devices is normalized as one batch, `synchronized` or not."""

import os
import subprocess
import sys

SCRIPT = """
import jax, numpy as np
import phasewise as pw
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from phasewise import layers

assert len(jax.devices()) == 8
x = np.random.default_rng(0).normal(1e3, 2.0, (64, 5)).astype("float32")
x += np.repeat(np.arange(8), 8)[:, None]  # every device's part has another mean
mesh = Mesh(np.array(jax.devices()), ("rows",))
spread = jax.device_put(x, NamedSharding(mesh, PartitionSpec("rows")))
for options in ({}, {"synchronized": True}, {"renorm": True}):
    inputs = pw.Input((5,))
    model = pw.Model(inputs, layers.BatchNormalization(**options)(inputs))
    function, params, state = pw.pure(model)
    run = jax.jit(lambda params, state, x: function(params, state, x, training=True))
    alone, alone_state = run(params, state, x)
    together, state = run(params, state, spread)
    assert len(together.sharding.device_set) == 8, together.sharding
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=2e-5)
    for name in state:
        np.testing.assert_allclose(state[name], alone_state[name], rtol=1e-5)
    if not options:
        wide = x.astype(np.float64)
        np.testing.assert_allclose(together, (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-3), atol=1e-5)
print("agreed")
"""


def test_statistics_of_a_batch_on_eight_devices_are_those_of_the_whole():
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "agreed", done.stderr[-2000:]

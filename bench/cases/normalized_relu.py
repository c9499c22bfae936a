"""Batch normalization and ReLU in training on (64, 56, 56, 64), over the passes over memory that they cannot do without.

`normalized_relu.py LIBRARY forward|both`. Forward: a pass that reads x for the moments, one that reads x and writes y. Backward:
a pass that reads x and dy for the sums, one that reads both and writes dx. `memory_floor.py` measures what such passes cost. As
inside `fit`, one program takes many steps, so that it finds its memory at hand: new pages cost more than the passes. Both are
measured in turns, since others on the machine take now more of the memory's time and now less; the median round counts.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
from libraries import arguments_given, load, name_given
from memory_floor import passes
from timing import median_seconds

SHAPE = (64, 56, 56, 64)
STEPS = 120
ROUNDS = 7
library = load(name_given())
(measured,) = arguments_given()
layers = library.layers
model = library.Sequential([library.Input(SHAPE[1:]), layers.BatchNormalization(), layers.ReLU()])
function, weights, moving = library.pure(model)


def forward(weights, moving, x):
    """(y, new moving statistics) of one call in training."""
    return function(weights, moving, x, training=True)


def both(weights, moving, x, slope):
    """(y, new moving statistics, slopes of weights and x)."""
    y, pullback, moving = jax.vjp(lambda weights, x: forward(weights, moving, x), weights, x, has_aux=True)
    return y, moving, pullback(slope)


@jax.jit
def steps(weights, moving, given):
    """What `given` becomes in `STEPS` steps, each on the results of the one before; by twos, which take turns in two places of memory.

    The next step normalizes the gradient of this one, so that nothing is read once its successor is written: else XLA would copy it.
    """

    def step(given):
        y, _, *slopes = {"forward": forward, "both": both}[measured](weights, moving, *given)
        return [*(of_x for _, of_x in slopes), y]

    return jax.lax.fori_loop(0, STEPS // 2, lambda _, given: step(step(given)), given)


rng = np.random.RandomState(0)
given = [jnp.asarray(rng.randn(*SHAPE), jnp.float32) for _ in range({"forward": 1, "both": 2}[measured])]
jax.block_until_ready(steps(weights, moving, given))
rounds = []
for _ in range(ROUNDS):
    read, copy = passes(SHAPE, times=7)
    floor = read + copy if measured == "forward" else 4 * read + 2 * copy
    seconds = median_seconds(lambda: jax.block_until_ready(steps(weights, moving, given)), times=2, before=0) / STEPS
    rounds.append((seconds / floor, seconds, floor))
print(json.dumps(dict(zip(("value", "seconds", "floor"), sorted(rounds)[ROUNDS // 2]))))

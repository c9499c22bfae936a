"""How much longer normalization takes, forward and backward in a fused step, than its plain expression in two lines of JAX.

`normalization_over_plain.py LIBRARY batch|layer`: the largest ratio over three shapes. Both steps make the same loss, gradients
and (for batch normalization) moving statistics, in a compiled loop, and take turns; processor time counts, so that a busy
machine disturbs little.
"""

import json
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np
from libraries import arguments_given, load, name_given

SHAPES = (64, 32, 32, 16), (64, 8, 8, 64), (256, 256)
EPSILON, MOMENTUM, RATE, TURNS, NUMBERS = 1e-3, 0.99, 1e-6, 24, 4_000_000
library = load(name_given())


def plain(x, weights, axes):
    """The two lines, and the statistics that moving ones follow."""
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    y = (x - mean) * jax.lax.rsqrt(variance + EPSILON) * weights["gamma"] + weights["beta"]
    return y, mean, variance


def plain_step(kind, shape):
    """(step, state) of the plain expression: state is (weights, moving statistics)."""
    axes = tuple(range(len(shape) - 1)) if kind == "batch" else (len(shape) - 1,)

    def loss(weights, x, target):
        y, mean, variance = plain(x, weights, axes)
        return 0.5 * jnp.square(y - target).sum(), (mean, variance)

    def step(state, x, target):
        weights, moving = state
        slopes, seen = jax.grad(loss, (0, 1), has_aux=True)(weights, x, target)
        if kind == "batch":
            moving = [MOMENTUM * old + (1 - MOMENTUM) * new.reshape(-1) for old, new in zip(moving, seen)]
        return (descended(weights, slopes[0]), moving), slopes[1]

    ones, zeros = jnp.ones(shape[-1]), jnp.zeros(shape[-1])
    return step, ({"gamma": ones, "beta": zeros}, [zeros, ones] if kind == "batch" else [])


def our_step(kind, shape):
    """(step, state) of the layer: state is (weights, moving statistics)."""
    layer = {"batch": library.layers.BatchNormalization, "layer": library.layers.LayerNormalization}[kind]()
    layer.build(shape)
    function, weights, moving = library.pure(layer)

    def loss(weights, moving, x, target):
        y, moving = function(weights, moving, x, training=True)
        return 0.5 * jnp.square(y - target).sum(), moving

    def step(state, x, target):
        weights, moving = state
        slopes, moving = jax.grad(loss, (0, 2), has_aux=True)(weights, moving, x, target)
        return (descended(weights, slopes[0]), moving), slopes[1]

    return step, (weights, moving)


def descended(weights, slopes):
    """The weights after a step."""
    return jax.tree.map(lambda weight, slope: weight - RATE * slope, weights, slopes)


def fused(step, count):
    """Many steps as one program; each begins at inputs that the one before has moved."""

    def one(_, carried):
        state, x, target = carried
        state, slope = step(state, x, target)
        return state, x - RATE * slope, target

    return jax.jit(lambda state, x, target: jax.lax.fori_loop(0, count, one, (state, x, target)))


def ratio(kind, shape):
    """Median over turns of our processor time over that of the plain expression."""
    rng = np.random.RandomState(0)
    x, target = (jnp.asarray(rng.randn(*shape), jnp.float32) for _ in range(2))
    made = [make(kind, shape) for make in (our_step, plain_step)]
    programs = [(fused(step, max(1, NUMBERS // x.size)), state) for step, state in made]
    ends = [jax.block_until_ready(program(state, x, target)) for program, state in programs]
    assert np.allclose(ends[0][1], ends[1][1], atol=1e-3), "the two do not compute the same"
    found = []
    for _ in range(TURNS):
        seconds = []
        for program, state in programs:
            begun = time.process_time()
            jax.block_until_ready(program(state, x, target))
            seconds.append(time.process_time() - begun)
        found.append(seconds[0] / seconds[1])
    return statistics.median(found)


(kind,) = arguments_given()
print(json.dumps({"value": max(ratio(kind, shape) for shape in SHAPES)}))

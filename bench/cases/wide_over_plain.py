"""How much longer a step of an MLP of 20 million weights takes in `fit` than in a loop written by hand in plain JAX.

The loop is one program an epoch, shuffling included, and its state is donated. The two take turns, epoch by epoch.
"""

import functools
import json
import statistics
import time

import jax
import jax.numpy as jnp
import networks
import numpy as np
from libraries import load, name_given
from timing import epoch_timer

STEPS, BATCH, EPOCHS = 20, 64, 7
LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-4, 0.9, 0.999, 1e-7


def loss_of(weights, x, labels):
    """Mean cross-entropy of the network whose kernels and biases are `weights`."""
    for kernel, bias in weights[:-1]:
        x = jax.nn.relu(x @ kernel + bias)
    kernel, bias = weights[-1]
    return -jnp.take_along_axis(jax.nn.log_softmax(x @ kernel + bias), labels[:, None], 1).mean()


def adam_step(state, rows, x, y):
    """The state after the batch of these rows, and the batch's loss."""
    weights, means, squares, count = state
    loss, gradients = jax.value_and_grad(loss_of)(weights, x[rows], y[rows])
    count = count + 1
    rate = LEARNING_RATE * jnp.sqrt(1 - BETA_2**count) / (1 - BETA_1**count)
    means = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, means, gradients)
    squares = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g**2, squares, gradients)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, means, squares)
    return (weights, means, squares, count), loss


@functools.partial(jax.jit, donate_argnums=0)
def plain_epoch(state, x, y, key):
    """The state after an epoch, which takes the place of the one given, and the epoch's loss."""
    order = jax.random.permutation(key, STEPS * BATCH).reshape(STEPS, BATCH)
    state, losses = jax.lax.scan(lambda state, rows: adam_step(state, rows, x, y), state, order)
    return state, losses.mean()


library = load(name_given())
rng = np.random.RandomState(0)
x, y = rng.randn(STEPS * BATCH, 1024).astype(np.float32), rng.randint(0, 10, STEPS * BATCH)
model = networks.wide(library)
model.compile(loss="sparse_categorical_crossentropy", optimizer=library.optimizers.Adam(LEARNING_RATE))
values = model.get_weights()
weights = [(jnp.array(kernel), jnp.array(bias)) for kernel, bias in zip(values[::2], values[1::2])]
zeros = [jax.tree.map(jnp.zeros_like, weights) for _ in range(2)]
state, on_device, plain_seconds = (weights, *zeros, jnp.zeros(())), (jnp.asarray(x), jnp.asarray(y)), []


def time_plain_epoch(epoch, logs=None):
    """Train the plain network on for an epoch."""
    global state
    begun = time.perf_counter()
    state, loss = plain_epoch(state, *on_device, jax.random.key(epoch))
    jax.block_until_ready(state)
    plain_seconds.append(time.perf_counter() - begun)
    assert abs(loss / logs["loss"] - 1) < 0.2, f"plain {loss}, fit {logs['loss']}: not the same training"


timer, seconds = epoch_timer(library)
turn = library.callbacks.LambdaCallback(on_epoch_end=time_plain_epoch)
model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[timer, turn])
print(json.dumps({"value": statistics.median(ours / plain for ours, plain in zip(seconds[1:], plain_seconds[1:]))}))

"""The parity harness: one of our layers beside Keras's, on the same weights and inputs."""

import inspect

import jax
import jax.numpy as jnp
import keras
import numpy as np

from phasewise.core import variable


def arguments(function):
    """Names, kinds and defaults, in order, without their types; catch-all keyword arguments may have any name."""
    found = inspect.signature(function).parameters.values()
    return [("**" if p.kind is p.VAR_KEYWORD else p.name, p.kind, p.default) for p in found]


def bare_signature(function):
    """The signature as text, without its types."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))


class Ids(tuple):
    """A shape whose entries are whole numbers from 0 to below `count`."""

    def __new__(cls, count, shape):
        made = super().__new__(cls, shape)
        made.count = count
        return made


class Words(tuple):
    """A shape whose entries are words, drawn from `words`."""

    def __new__(cls, words, shape):
        made = super().__new__(cls, shape)
        made.words = words
        return made

    def drawn(self, rng, shape):
        """An array of this shape, of objects."""
        return np.asarray(self.words, object)[rng.integers(0, len(self.words), shape)]


def inputs_of(shapes, seed=0):
    """Random float32 inputs of these shapes, ids for `Ids`; one array for one shape, else a list, or a dict of arguments by name."""
    rng = np.random.default_rng(seed)
    if isinstance(shapes, list):
        return [drawn(rng, s) for s in shapes]
    if isinstance(shapes, dict):
        return {name: drawn(rng, s) for name, s in shapes.items()}
    return drawn(rng, shapes)


def drawn(rng, shape):
    """An input of this shape."""
    if isinstance(shape, Ids):
        return rng.integers(0, shape.count, shape).astype("int32")
    if isinstance(shape, Words):
        return shape.drawn(rng, shape)
    return rng.normal(size=shape).astype("float32")


def called(layer, inputs, **call):
    """The layer called on its inputs; a dict holds arguments by name."""
    return layer(**inputs, **call) if isinstance(inputs, dict) else layer(inputs, **call)


def share_weights(ours, theirs, seed=1):
    """Give both layers the same random weights (variances and standard deviations positive)."""
    rng = np.random.default_rng(seed)
    values = []
    for w in theirs.weights:
        value = rng.normal(size=w.shape).astype("float32")
        values.append(np.abs(value) + 0.5 if "variance" in w.path or "stddev" in w.path else value)
    theirs.set_weights(values)
    if hasattr(theirs, "finalize_state"):  # Keras's Normalization computes with copies of its weights
        theirs.finalize_state()
    ours.set_weights(values)


def check_layer(ours, theirs, x, *, training=None, rtol=1e-5, atol=1e-5, **call):
    """Outputs, gradients with respect to inputs and weights, and the state after the call agree."""
    kwargs = dict(call) if training is None else {**call, "training": training}
    jax.eval_shape(lambda x: called(ours, x, **kwargs), x)  # builds the weights, and runs nothing
    called(theirs, jax.tree.map(lambda array: keras.KerasTensor(array.shape, str(array.dtype)), x), **kwargs)
    share_weights(ours, theirs)
    train, other = ours.trainable_variables, ours.non_trainable_variables

    def our_loss(params, x):
        with variable.scope([*train, *other], [*params, *[v.raw for v in other]]) as held:
            y = called(ours, x, **kwargs)
            return _score(y), (y, held.collect(other))

    def their_loss(params, x):
        given = ((), x) if isinstance(x, dict) else ((x,), {})
        state = [v.value for v in theirs.non_trainable_variables]
        y, state = theirs.stateless_call(params, state, *given[0], **given[1], **kwargs)
        return _score(y), (y, state)

    our_params, their_params = [jnp.asarray(v.raw) for v in train], [v.value for v in theirs.trainable_variables]
    are_floats = all(array.dtype.kind == "f" for array in jax.tree.leaves(x))
    gradient = {"has_aux": True, "argnums": (0, 1) if are_floats else (0,)}
    (_, (y, state)), grads = jax.jit(jax.value_and_grad(our_loss, **gradient))(our_params, x)
    (_, (y_ref, state_ref)), grads_ref = jax.jit(jax.value_and_grad(their_loss, **gradient))(their_params, x)
    close(y, y_ref, rtol, atol)
    close(grads, grads_ref, 10 * rtol, 10 * atol)
    close(state, state_ref[: len(state)], rtol, atol)


def _score(y):
    """A scalar whose gradient differs from entry to entry."""
    leaves = [jnp.asarray(leaf, jnp.float32) for leaf in jax.tree.leaves(y)]
    return sum((leaf * jnp.cos(jnp.arange(leaf.size, dtype=jnp.float32)).reshape(leaf.shape)).sum() for leaf in leaves)


def close(ours, theirs, rtol=1e-5, atol=1e-6):
    """All leaves agree."""
    ours, theirs = jax.tree.leaves(ours), jax.tree.leaves(jax.tree.map(np.asarray, theirs))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(np.asarray(a), b, rtol=rtol, atol=atol)


__all__ = ["check_layer", "close", "inputs_of", "keras", "share_weights"]

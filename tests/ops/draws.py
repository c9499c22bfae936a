"""What the tables of calls of ops are made of: rows (name, arguments, keyword arguments), and draws."""

import jax.numpy as jnp
import numpy as np

rng = np.random.default_rng(0)


def reals(*shape):
    """Normal draws of float32."""
    return rng.normal(size=shape).astype("float32")


def inside(*shape):
    """Draws within (-1, 1)."""
    return rng.uniform(-0.9, 0.9, shape).astype("float32")


def positive(*shape):
    """Draws within (0.5, 3)."""
    return rng.uniform(0.5, 3, shape).astype("float32")


def whole(*shape, below=5):
    """Whole numbers from 0 to below `below`, int32."""
    return rng.integers(0, below, shape).astype("int32")


def positive_definite(*batch, n=3):
    """Symmetric positive definite matrices."""
    root = reals(*batch, n, n)
    return root @ np.swapaxes(root, -1, -2) + np.eye(n, dtype="float32")


def in_dtype(structure, dtype):
    """Arrays of float32 in another dtype; everything else as it is."""
    if isinstance(structure, dict):
        return {name: in_dtype(each, dtype) for name, each in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(in_dtype(each, dtype) for each in structure)
    is_real = isinstance(structure, np.ndarray) and structure.dtype == "float32"
    return jnp.asarray(structure, dtype) if is_real else structure


def row(name, *args, **kwargs):
    """One call."""
    return name, args, kwargs


COMPLEX = (reals(2, 3) + 1j * reals(2, 3)).astype("complex64")

"""A random matrix that changes no lengths."""

import numpy as np

from phasewise.core.registry import register
from phasewise.initializers.initializer import KIND, RandomInitializer, Seed


@register(KIND, "OrthogonalInitializer")
class Orthogonal(RandomInitializer):
    """`gain` times a random matrix with orthonormal columns, or rows where there are fewer (Saxe et al. 2014).

    Args:
        gain: a number.
        seed: as in `RandomInitializer`.

    The last axis of the weight is one side of the matrix, all others together are the other.
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None):
        super().__init__(seed)
        self.gain = gain

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Numbers of this shape.

        Raises:
            ValueError: the shape has fewer than two axes.
        """
        if len(shape) < 2:
            raise ValueError(f"The Orthogonal initializer needs a shape of at least two axes; got {shape}.")
        rows, columns = int(np.prod(shape[:-1])), shape[-1]
        drawn = generator.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(drawn)
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # without it, q is not uniform among orthogonal matrices
        return self.gain * (q if rows >= columns else q.T).reshape(shape)

"""In what order the axes of attention scores lie, and how masks are laid beside them."""

import string

import jax.numpy as jnp

from phasewise.core.types import Array, Shape


class ScoreLayout:
    """Scores between the places of a query and those of a key, along some axes, for each of several heads.

    Queries, keys and values have the shape (batch, places..., heads, features). Scores have (batch, other places..., heads, attended
    places of the query..., attended places of the key...).

    Args:
        rank: number of axes of the queries.
        axes: tuple of int in [1, rank - 3]: the axes of places that are attended over.

    Attributes:
        axes: those that are attended over.
        product, combine: equations of `einsum`, from queries and keys to scores, and from scores and values to the result.
        rank: number of axes of scores.
        softmax_axes: those over which scores are normalized.
    """

    def __init__(self, rank: int, axes: tuple[int, ...]):
        self.axes = axes
        self._others = tuple(axis for axis in range(1, rank - 2) if axis not in axes)
        letters = string.ascii_letters
        query = letters[:rank]
        key = "".join(letters[rank + i] if i in axes else letter for i, letter in enumerate(query))
        first = "".join(query[i] for i in (0, *self._others, rank - 2))
        scores = first + "".join(query[i] for i in axes) + "".join(key[i] for i in axes)
        self.product, self.combine = f"{query},{key}->{scores}", f"{scores},{key}->{query}"
        self.rank = len(scores)
        self.softmax_axes = tuple(range(self.rank - len(axes), self.rank))

    def shape(self, query: Shape, key: Shape, heads: int) -> Shape:
        """The shape of scores, for the shapes of what queries and keys are projected from."""
        return (
            *(query[i] for i in (0, *self._others)),
            heads,
            *(query[i] for i in self.axes),
            *(key[i] for i in self.axes),
        )

    def of_queries(self, mask: Array) -> Array:
        """A mask of the query's places, (batch, places...) or its first axes, as it lies beside scores."""
        return self._laid(mask, (1,) * len(self.axes), behind=True)

    def of_keys(self, mask: Array) -> Array:
        """A mask of the key's places, likewise."""
        return self._laid(mask, (1,) * len(self.axes), behind=False)

    def of_pairs(self, mask: Array) -> Array:
        """A mask (first axes of scores..., attended places of the query..., of the key...), axes of size 1 put in before the last."""
        pairs = 2 * len(self.axes)
        lead = mask.shape[: mask.ndim - pairs]
        return mask.reshape(*lead, *(1,) * (self.rank - mask.ndim), *mask.shape[mask.ndim - pairs :])

    def _laid(self, mask, ones, *, behind):
        places = 1 + len(self.axes) + len(self._others)
        mask = jnp.asarray(mask, bool)
        mask = mask.reshape(*mask.shape, *(1,) * (places - mask.ndim)).transpose(0, *self._others, *self.axes)
        first, attended = mask.shape[: 1 + len(self._others)], mask.shape[1 + len(self._others) :]
        return mask.reshape(*first, 1, *((*attended, *ones) if behind else (*ones, *attended)))

"""What a layer draws at random."""

from phasewise.core import random
from phasewise.core.types import Array
from phasewise.kernels.random_bits import random_bits


class Drawing:
    """The part of a layer that draws."""

    _generator = None  # of draws outside of a step by a layer that has a seed of its own

    def draw_key(self, seed: int | random.SeedGenerator | None = None) -> Array:
        """A JAX key for this call: a function of the seed, the step (in inference: the number of the call, and the tile of rows)
        and the layer's place in the model."""
        return random.key(self._seed_of_draw(seed))

    def draw_bits(self, shape: tuple[int, ...], seed: int | random.SeedGenerator | None = None) -> Array:
        """32 random bits for every entry of an array of this shape, by the same rule as `draw_key`, at a tenth of the cost. Where
        the first axis is that of the rows, a row's bits depend on its place in the data, however these are cut into batches."""
        return random_bits(*random.words(self._seed_of_draw(seed)), shape, random.entries_before(shape))

    def _seed_of_draw(self, seed):
        """`seed`; outside of a step the sequence that it begins, which goes on with each draw."""
        if seed is None or isinstance(seed, random.SeedGenerator) or random.in_scope():
            return seed
        if self._generator is None or self._generator.seed != seed:
            self._generator = random.SeedGenerator(seed)
        return self._generator

"""Many small arrays handed to a program, and back, as one for each dtype.

What a call of a program costs beside its arithmetic is some microseconds for each array that goes in and comes out, and for each that a
loop carries. The state of three layers has thirty.
"""

import collections
import itertools

import jax
import numpy as np

from phasewise.training.packing import concatenated

MOST_BYTES = 256 << 10  # of what is joined: that is a copy
MOST_ARRAYS = 128


class Joined:
    """How the arrays of a nest are joined.

    Args:
        nest: of arrays, or of what stands for them while a program is traced.
    """

    def __init__(self, nest):
        leaves, self._tree = jax.tree.flatten(nest)
        places = collections.defaultdict(list)
        for place, leaf in enumerate(leaves):
            places[np.dtype(leaf.dtype)].append(place)
        self._dtypes, self._places = list(places), list(places.values())
        self._cuts = [_cuts([np.shape(leaves[place]) for place in group]) for group in self._places]
        order = list(itertools.chain(*self._places))
        self._back = sorted(range(len(order)), key=order.__getitem__)

    def pack(self, nest):
        """The arrays of a nest joined, on the host."""
        return self._joined(nest, lambda arrays, dtype: np.concatenate(arrays, None, dtype=dtype))

    def unpack(self, joined):
        """The nest of which this is joined: views of it on the host, and as it is what was alone."""
        return self._nest([whole if len(cuts) == 1 else np.asarray(whole) for whole, cuts in zip(joined, self._cuts)])

    def together(self, nest):
        """As `pack`, inside a program."""
        return self._joined(nest, lambda arrays, _: concatenated([array.reshape(-1) for array in arrays]))

    def apart(self, joined):
        """As `unpack`, inside a program."""
        return self._nest(joined)

    def _joined(self, nest, join):
        leaves = self._tree.flatten_up_to(nest)
        return [
            leaves[group[0]] if len(group) == 1 else join([leaves[place] for place in group], dtype)
            for group, dtype in zip(self._places, self._dtypes, strict=True)
        ]

    def _nest(self, joined):
        leaves = []
        for whole, cuts in zip(joined, self._cuts, strict=True):
            leaves += [whole] if len(cuts) == 1 else [whole[start:end].reshape(shape) for start, end, shape in cuts]
        return self._tree.unflatten([leaves[place] for place in self._back])


class _AsItIs:
    """As `Joined`, of a nest whose arrays stay by themselves."""

    @staticmethod
    def _same(nest):
        return nest

    pack = unpack = together = apart = _same


AS_IT_IS = _AsItIs()


def can_be_joined(nest):
    """Whether the arrays of a nest are small, few, and of dtypes that NumPy knows."""
    leaves = jax.tree.leaves(nest)
    return (
        len(leaves) <= MOST_ARRAYS and all(map(_is_plain, leaves)) and sum(leaf.nbytes for leaf in leaves) <= MOST_BYTES
    )


def _is_plain(leaf):
    """Whether it is NumPy's, or an array of JAX's that would be the same as one of NumPy's."""
    if not isinstance(leaf, jax.Array):
        return isinstance(leaf, np.ndarray | np.generic)
    return not leaf.weak_type and not jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.extended)


def _cuts(shapes):
    """(start, end, shape) of each of the arrays of these shapes in what they are joined to."""
    ends = list(itertools.accumulate(int(np.prod(shape)) for shape in shapes))
    return list(zip([0, *ends], ends, shapes))

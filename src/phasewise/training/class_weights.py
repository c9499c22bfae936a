"""Class weights as sample weights: of the only output, or of each of several."""

import jax
import numpy as np

from phasewise.core.places import Places, Wanted
from phasewise.data import adapters
from phasewise.data.arrays import is_array_like
from phasewise.training.matching import match_weights


class ClassWeights:
    """What `class_weight` says of labels.

    Args:
        given: dict of class -> weight; for several outputs a dict or list of such, nested as the labels are. An output that is
            not in it weighs 1.
        output_names: of the model, by which those of a list of labels may be called too; or None.
    """

    def __init__(self, given, output_names=None):
        self._given, self._output_names = given, output_names
        self._is_one = _is_of_classes(given)

    def times(self, y, sample_weight=None):
        """The weight of each row, times its sample weight; nested as the labels are.

        Raises:
            ValueError: one dict for several outputs, an output that is none, or labels that are no classes.
        """
        y = adapters.arrays_of(y)
        arrays, tree = jax.tree.flatten(y)
        if self._is_one:
            if len(arrays) > 1:
                raise ValueError(
                    f"class_weight is one dict of classes, and there are labels for {len(arrays)} outputs: which of them it is for is "
                    f"not known. Give one for each, nested as the labels are: class_weight={self._example(y)}."
                )
            return jax.tree.unflatten(
                tree, [adapters.class_weights(arrays[0] if arrays else None, self._given, _only(sample_weight))]
            )
        places = Places(y, "outputs", self._output_names)
        wanted = places.spread(self._given, Wanted("`class_weight`", _is_of_classes))
        weights = match_weights(places, adapters.arrays_of(sample_weight))
        combined = [
            adapters.class_weights(label, {} if w is None else w, s) for label, w, s in zip(arrays, wanted, weights)
        ]
        return jax.tree.unflatten(tree, combined)

    def into(self, plan):
        """The plan with class weights multiplied into its sample weights."""

        def weigh(x, y=None, sample_weight=None):
            return x, y, self.times(y, sample_weight)

        return plan.map(weigh)

    def _example(self, y):
        if isinstance(y, dict):
            return "{" + f"{next(iter(y))!r}: {self._given}, …" + "}"
        return f"[{self._given}, …]"


def _is_of_classes(given):
    """Whether this is a dict of class -> weight, and no nest of such."""
    if not isinstance(given, dict):
        return False
    nested = (item is None or isinstance(item, dict | list | tuple) for item in given.values())
    return all(isinstance(key, int | np.integer) for key in given) or not all(nested)


def _only(sample_weight):
    """The sample weights of the only output."""
    while (
        isinstance(sample_weight, dict | list | tuple) and len(sample_weight) == 1 and not is_array_like(sample_weight)
    ):
        sample_weight = next(iter(sample_weight.values())) if isinstance(sample_weight, dict) else sample_weight[0]
    return sample_weight

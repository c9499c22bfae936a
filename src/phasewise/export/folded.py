"""A model with its batch normalization in the weights around it, for a program that is exported."""

import jax
import numpy as np

from phasewise.models import Model
from phasewise.models.folding import fold

FOLDED_WITHIN = 1e-3  # of the largest output: beyond it, the copy does not compute what the model does


def of(model: Model) -> tuple[Model, str]:
    """The folded model, and what is said of it.

    Raises:
        ValueError: nothing can be folded; or outputs on random inputs differ by more than rounding.
    """
    folding = fold(model)
    difference = _difference(model, folding.model)
    word = "normalization" if len(folding) == 1 else "normalizations"
    return folding.model, f", {len(folding)} {word} folded, which moves outputs by {difference:.1e} at most"


def _difference(model, folded):
    """The largest difference of outputs on random inputs.

    Raises:
        ValueError: it is more than rounding.
    """
    generator = np.random.default_rng(0)

    def drawn(spec):
        if np.issubdtype(spec.dtype, np.integer):
            return np.zeros(spec.shape, spec.dtype)
        return generator.standard_normal(spec.shape, np.float32).astype(spec.dtype)

    inputs = jax.tree.map(drawn, model._example_spec(8))
    pairs = zip(*(jax.tree.leaves(each.predict(inputs, verbose=0)) for each in (model, folded)))
    pairs = [[np.asarray(part, np.float64) for part in pair] for pair in pairs]
    largest = max((float(np.abs(a - b).max(initial=0)) for a, b in pairs), default=0.0)
    scale = max((float(np.abs(a).max(initial=0)) for a, _ in pairs), default=0.0)
    if not largest <= FOLDED_WITHIN * max(scale, 1e-6):
        raise ValueError(
            f"{model.name!r} with its batch normalization folded gives outputs that differ by {largest:.3g}, where the largest is "
            f"{scale:.3g}. Export it without fold=True."
        )
    return largest

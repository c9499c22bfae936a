"""Masks of joined inputs: as Keras joins them."""

import keras
import numpy as np
import pytest

import phasewise as pw

RNG = np.random.default_rng(0)
X = [RNG.normal(size=(3, 4, 2)).astype("float32") for _ in range(2)]
MASKS = [RNG.random((3, 4)) > 0.5 for _ in range(2)]


@pytest.mark.parametrize("masks", [MASKS, [MASKS[0], None], [None, None]], ids=["both", "one", "none"])
@pytest.mark.parametrize(
    "name, options",
    [
        ("Add", {}),
        ("Average", {}),
        ("Maximum", {}),
        ("Multiply", {}),
        ("Concatenate", {}),
        ("Concatenate", {"axis": 1}),
    ],
)
def test_the_mask_of_the_output_is_that_of_keras(name, options, masks):
    ours, theirs = (getattr(library.layers, name)(**options).compute_mask(X, masks) for library in (pw, keras))
    assert (ours is None) == (theirs is None)
    if ours is not None:
        np.testing.assert_array_equal(ours, np.asarray(theirs))

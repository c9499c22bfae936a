"""`preprocessing.image.smart_resize`: the middle of an image, in another size."""

import keras
import numpy as np
import pytest

import phasewise as pw


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize(("shape", "data_format"), [((7, 11, 3), "channels_last"), ((2, 3, 9, 5), "channels_first")])
def test_images_are_those_of_keras(shape, data_format, interpolation, dtype):
    x = (np.random.default_rng(0).random(shape) * 255).astype(dtype)
    theirs, ours = (K.preprocessing.image.smart_resize(x, (4, 6), interpolation, data_format) for K in (keras, pw))
    assert ours.dtype == theirs.dtype
    assert type(ours) is np.ndarray
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=2e-4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones((4, 4)), (2, 2)), ValueError, r"an array of shape \(4, 4\)"),
        (
            (np.ones((4, 4, 3)), (2, 2, 2)),
            ValueError,
            r"smart_resize's size must be a positive integer or a tuple of 2",
        ),
        ((np.ones((4, 4, 3)), (2, 2), "bilinaer"), ValueError, "bilinear"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        pw.preprocessing.image.smart_resize(*arguments)
    with pytest.raises(TypeError, match="smart_resize has no argument 'sise'"):
        pw.preprocessing.image.smart_resize(np.ones((4, 4, 3)), (2, 2), sise=3)

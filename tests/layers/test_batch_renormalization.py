"""Batch renormalization beside Keras, and ghost batches beside float64."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw
from parity import check_layer, close, inputs_of
from phasewise.layers import BatchNormalization

CLIPPING = {"rmin": 0.5, "rmax": 2.0, "dmax": 0.3}


def batches(shape, count=3):
    """Batches whose mean and scale drift, so that r and d matter."""
    return [inputs_of(shape, seed) * (1 + seed) + 0.5 * seed for seed in range(count)]


def check_steps(arguments, shape, masks=None):
    """Outputs of several steps in training, and the state after each, agree with Keras; then the gradient of one more."""
    ours, theirs = (library.layers.BatchNormalization(**arguments) for library in (pw, keras))
    for i, x in enumerate(batches(shape)):
        mask = {} if masks is None else {"mask": masks[i]}
        close(ours(x, training=True, **mask), theirs(x, training=True, **mask), rtol=1e-4, atol=2e-5)
        close(ours.get_weights(), [np.asarray(w) for w in theirs.get_weights()], rtol=1e-5, atol=1e-6)
    close(ours(x), theirs(x), rtol=1e-5, atol=1e-5)
    check_layer(ours, theirs, batches(shape)[1], training=True, **mask)


@pytest.mark.parametrize(
    "arguments, shape",
    [
        ({}, (6, 3)),
        ({"renorm_clipping": CLIPPING, "renorm_momentum": 0.7, "momentum": 0.9}, (6, 3)),
        ({"renorm_clipping": {"rmax": 1.5}, "center": False}, (6, 3)),
        ({"renorm_clipping": {"dmax": 0.1}, "scale": False, "epsilon": 1e-5}, (4, 3, 2)),
        ({"center": False, "scale": False, "renorm_momentum": 0.0, "axis": 1}, (4, 3, 2)),
        ({"axis": 2, "renorm_clipping": CLIPPING, "moving_variance_initializer": keras.initializers.Constant(4.0)}, (2, 3, 4, 2)),
    ],
)  # fmt: skip
@pytest.mark.few(2)
def test_renormalization_agrees_with_keras_over_several_steps(arguments, shape):
    check_steps({"renorm": True, **arguments}, shape)


@pytest.mark.parametrize("shape", [(4, 5, 3), (3, 4, 2, 3)], ids=["rank 3", "rank 4"])
@pytest.mark.parametrize("arguments", [{}, {"renorm": True, "renorm_clipping": CLIPPING, "renorm_momentum": 0.8}], ids=["plain", "renorm"])  # fmt: skip
@pytest.mark.few(1)
def test_masks_agree_with_keras_over_several_steps(arguments, shape):
    masks = [np.random.default_rng(seed).random(shape[:-1]) > 0.4 for seed in range(3)]
    check_steps(arguments, shape, masks)


def test_synchronized_is_accepted_and_changes_nothing():
    x = inputs_of((6, 3))
    np.testing.assert_array_equal(
        BatchNormalization(synchronized=True)(x, training=True), BatchNormalization()(x, training=True)
    )


class Reference:
    """Batch normalization with ghost batches in float64: Hoffer et al. (2017), algorithm 1, with Ioffe (2017) on request."""

    def __init__(self, channels, rows, momentum=0.99, epsilon=1e-3, renorm=False, clipping=None, renorm_momentum=0.99):
        self.rows, self.momentum, self.epsilon = rows, momentum, epsilon
        self.renorm, self.renorm_momentum = renorm, renorm_momentum
        low_high_d = {"rmin": 0.0, "rmax": np.inf, "dmax": np.inf, **(clipping or {})}
        self.rmin, self.rmax, self.dmax = (low_high_d[key] for key in ("rmin", "rmax", "dmax"))
        self.mean, self.variance, self.stddev = np.zeros(channels), np.ones(channels), np.ones(channels)
        self.renorm_mean, self.renorm_stddev = np.zeros(channels), np.ones(channels)

    def __call__(self, x, mask=None):
        """The output in training, channels last; True in `mask` counts."""
        x = x.astype(np.float64)
        mask = np.ones(x.shape[:-1], bool) if mask is None else mask
        y, seen = np.zeros_like(x), []
        for start in range(0, len(x), self.rows):
            ghost = slice(start, start + self.rows)
            values = x[ghost][mask[ghost]]
            counts = len(values) > 0
            mean, variance = (values.mean(0), values.var(0)) if counts else (0.0, 0.0)
            y[ghost] = (x[ghost] - mean) / np.sqrt(variance + self.epsilon)
            if self.renorm:
                spread = np.sqrt(variance + self.epsilon)
                r = np.clip(spread / self.renorm_stddev, self.rmin, self.rmax)
                d = np.clip((mean - self.renorm_mean) / self.renorm_stddev, -self.dmax, self.dmax)
                y[ghost] = y[ghost] * r + d
            if counts:
                seen.append((mean, variance))
        for mean, variance in seen:
            self.follow(mean, variance)
        return y

    def follow(self, mean, variance):
        def after(old, new, momentum):
            return momentum * old + (1 - momentum) * new

        spread = np.sqrt(variance + self.epsilon)
        self.mean = after(self.mean, mean, self.momentum)
        self.variance = after(self.variance, variance, self.momentum)
        if self.renorm:
            self.stddev = after(self.stddev, spread, self.momentum)
            self.variance = np.maximum(self.stddev**2 - self.epsilon, 0)
            self.renorm_mean = after(self.renorm_mean, mean, self.renorm_momentum)
            self.renorm_stddev = after(self.renorm_stddev, spread, self.renorm_momentum)


def check_ghosts(layer, reference, shape, mask=None):
    """Two steps in training agree with the reference, output and moving statistics."""
    for x in batches(shape, 2):
        expected = reference(x, mask)
        y = np.asarray(layer(x, training=True, mask=mask))
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(layer.moving_mean.numpy(), reference.mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(layer.moving_variance.numpy(), reference.variance, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "rows, shape", [(1, (12, 3)), (5, (12, 3)), (12, (12, 3)), (20, (12, 3)), (4, (12, 2, 3)), (5, (12, 2, 3))]
)
@pytest.mark.few(2)
def test_each_run_of_rows_is_normalized_by_itself_the_short_last_one_too(rows, shape):
    layer = BatchNormalization(virtual_batch_size=rows, momentum=0.7)
    check_ghosts(layer, Reference(3, rows, momentum=0.7), shape)


def test_moving_statistics_follow_the_ghosts_in_order_at_any_momentum():
    for momentum in (0.0, 0.5, 1.0):
        check_ghosts(BatchNormalization(virtual_batch_size=5, momentum=momentum), Reference(3, 5, momentum), (12, 3))


@pytest.mark.parametrize("rows", [4, 5])
def test_ghosts_with_renormalization(rows):
    arguments = {"renorm_momentum": 0.8, "momentum": 0.9}
    layer = BatchNormalization(virtual_batch_size=rows, renorm=True, renorm_clipping=CLIPPING, **arguments)
    check_ghosts(layer, Reference(3, rows, renorm=True, clipping=CLIPPING, **arguments), (12, 3))


@pytest.mark.parametrize("renorm", [False, True], ids=["plain", "renorm"])
def test_ghosts_with_a_mask_and_one_of_them_all_masked(renorm):
    mask = np.random.default_rng(3).random((12, 4)) > 0.3
    mask[4:8] = False
    layer = BatchNormalization(virtual_batch_size=4, renorm=renorm, momentum=0.8, renorm_momentum=0.8)
    check_ghosts(layer, Reference(3, 4, 0.8, renorm=renorm, renorm_momentum=0.8), (12, 4, 3), mask)


def test_a_batch_in_which_nothing_counts_moves_no_statistic():
    layer = BatchNormalization(momentum=0.5)
    layer(inputs_of((4, 5, 3)) + 7, training=True)
    before = layer.get_weights()
    layer(inputs_of((4, 5, 3)), training=True, mask=np.zeros((4, 5), bool))
    for a, b in zip(before, layer.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_the_gradient_of_a_ghost_does_not_see_the_rows_of_another():
    layer, x = BatchNormalization(virtual_batch_size=3), jnp.asarray(inputs_of((7, 2)))
    layer(x)
    function, params, state = pw.pure(layer)

    def score(x):
        return (function(params, state, x, training=True)[0][:3] ** 3).sum()

    gradient = np.asarray(jax.jit(jax.grad(score))(x))
    assert np.abs(gradient[:3]).min() > 0
    np.testing.assert_array_equal(gradient[3:], np.zeros((4, 2)))


def test_ghosts_along_another_channel_axis():
    x = inputs_of((6, 3, 4))
    first = BatchNormalization(axis=1, virtual_batch_size=4)(x, training=True)
    last = BatchNormalization(virtual_batch_size=4)(x.transpose(0, 2, 1), training=True)
    np.testing.assert_allclose(first, np.asarray(last).transpose(0, 2, 1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("arguments", [{"virtual_batch_size": 4}, {"renorm": True}])
def test_inference_is_that_of_the_moving_statistics(arguments):
    layer = BatchNormalization(name="bn", momentum=0.5, **arguments)
    model = pw.Sequential([pw.Input((3,)), layer])
    model.compile("sgd", "mse")
    x = inputs_of((10, 3)) + 2
    model.fit(x, x, epochs=12, batch_size=10, verbose=0)
    gamma, beta = layer.gamma.numpy(), layer.beta.numpy()
    mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    expected = (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)
    row = model.explain(print_fn=False)["bn"]
    assert (row.predict.action, row.evaluate.statistics) == ("moving statistics", "moving")
    assert row.fit.action == "batch statistics, moving ones follow"


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"virtual_batch_size": 0}, "virtual_batch_size must be a positive integer; got 0"),
        ({"virtual_batch_size": 2.5}, "virtual_batch_size must be a positive integer; got 2.5"),
        ({"virtual_batch_size": True}, "virtual_batch_size must be a positive integer; got True"),
        ({"renorm": True, "renorm_momentum": 2}, "renorm_momentum must be a number at least 0 and at most 1; got 2"),
        (
            {"renorm": True, "renorm_clipping": {"rmid": 1}},
            "renorm_clipping takes the keys rmin, rmax, dmax; got 'rmid'",
        ),
        ({"renorm": True, "renorm_clipping": {"rmin": 2, "rmax": 1}}, "needs rmin <= rmax; got rmin=2 and rmax=1"),
        ({"renorm": True, "renorm_clipping": {"dmax": -1}}, "dmax must be at least 0; got -1"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        BatchNormalization(**arguments)

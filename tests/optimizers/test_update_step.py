"""An optimizer written for Keras, with `build` and `update_step`, steps as there: by hand, in fit, accumulated, saved."""

import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise.optimizers import SGD, LossScaleOptimizer, MultiOptimizer, OptimizerMap

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]]).astype("float32")


def heavy_ball(library):
    """A class as one writes it for Keras: momentum, a rate that falls with the count, and a variable for all."""
    ops = library.ops

    class HeavyBall(library.optimizers.Optimizer):
        def __init__(self, learning_rate=0.05, momentum=0.5, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)
            self.momentum = momentum

        def build(self, variables):
            if self.built:
                return
            super().build(variables)
            self.moments, self.longest = self.add_optimizer_variables(variables, ["momentum", "longest"])
            self.last = [self.add_variable_from_reference(v, name="last", initializer="ones") for v in variables]
            self.sum = self.add_variable((), name="sum")

        def update_step(self, gradient, variable, learning_rate):
            learning_rate = ops.cast(learning_rate, variable.dtype) / ops.cast(self.iterations + 1, variable.dtype)
            place = self._get_variable_index(variable)
            m = self.moments[place]
            self.assign(m, ops.subtract(ops.multiply(m, self.momentum), ops.multiply(gradient, learning_rate)))
            self.assign(self.longest[place], ops.maximum(self.longest[place], ops.abs(gradient)))
            self.assign(self.last[place], gradient)
            self.assign_add(self.sum, ops.sum(gradient))
            self.assign_add(variable, m)
            self.assign_sub(variable, 0.01 * self.learning_rate * variable)

        def get_config(self):
            return {**super().get_config(), "momentum": self.momentum}

    return HeavyBall


OURS, THEIRS = heavy_ball(pw), heavy_ball(keras)


def start(library):
    rng = np.random.default_rng(1)
    return [
        library.Variable(rng.normal(size=s).astype("float32"), name=n) for n, s in (("kernel", (3, 2)), ("bias", (2,)))
    ]


def gradients(steps):
    rng = np.random.default_rng(2)
    return [[rng.normal(size=s).astype("float32") for s in ((3, 2), (2,))] for _ in range(steps)]


def model_of(library, optimizer):
    x = library.Input((3,))
    hidden = library.layers.Dense(2, kernel_initializer="ones", name="hidden")(x)
    model = library.Model(x, library.layers.Dense(1, kernel_initializer="ones", name="head")(hidden), name="net")
    model.compile(optimizer, "mse")
    return model


def fitted(library, optimizer, **options):
    model = model_of(library, optimizer)
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, **options)
    return model


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.3, "clipnorm": 0.5},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2, "loss_scale_factor": 2.0},
        {"momentum": 0.9},
    ],
)
def test_twenty_steps_by_hand_are_those_of_keras(options):
    ours, theirs, variables, twins = OURS(name="it", **options), THEIRS(name="it", **options), start(pw), start(keras)
    for grads in gradients(20):
        ours.apply(grads, variables)
        theirs.apply(grads, twins)
    for variable, twin in zip([*variables, *ours.variables], [*twins, *theirs.variables], strict=True):
        np.testing.assert_allclose(variable.numpy(), np.asarray(twin.value), rtol=2e-6, atol=1e-6)
    assert [(v.path, v.shape) for v in ours.variables] == [(v.path, v.shape) for v in theirs.variables]
    np.testing.assert_array_equal(ours.last[1].numpy(), ours.variables[-2].numpy())


@pytest.mark.parametrize("options", [{}, {"gradient_accumulation_steps": 2}])
def test_fit_ends_where_keras_ends(options):
    ours, theirs = fitted(pw, OURS(**options)), fitted(keras, THEIRS(**options))
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert ours.optimizer.iterations == int(theirs.optimizer.iterations)
    np.testing.assert_allclose(ours.optimizer.sum.numpy(), np.asarray(theirs.optimizer.sum.value), rtol=1e-5, atol=1e-6)


class EachBatch(pw.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


@pytest.mark.parametrize(
    "make",
    [OURS, lambda: LossScaleOptimizer(OURS(), 4.0), lambda: MultiOptimizer(OptimizerMap(OURS()))],
    ids=["alone", "scaled", "one of many"],
)
def test_the_same_bits_whatever_the_length_of_a_chunk_and_alone_or_wrapped(make):
    whole = fitted(pw, OURS()).get_weights()
    for ours, theirs in zip(fitted(pw, OURS(), callbacks=[EachBatch()]).get_weights(), whole):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(fitted(pw, make()).get_weights(), whole):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_variable_of_its_own_is_read_and_assigned_between_fits():
    model = fitted(pw, OURS())
    moments = model.optimizer.moments
    assert all(np.abs(m.numpy()).max() > 0 for m in moments)
    model.optimizer.learning_rate = 0.0
    for moment in moments:
        moment.assign(np.zeros(moment.shape))
    before = model.get_weights()
    model.fit(X, Y, batch_size=8, verbose=0)
    for now, first in zip(model.get_weights(), before):
        np.testing.assert_array_equal(now, first)


def test_what_was_saved_is_loaded_and_a_layer_may_be_frozen_for_a_while():
    model, store = fitted(pw, OURS()), {}
    model.optimizer.save_own_variables(store)
    twin = model_of(pw, OURS())
    twin.set_weights(model.get_weights())
    twin.optimizer.build(twin.trainable_variables)
    twin.optimizer.load_own_variables(store)
    for each in (model, twin):
        each.get_layer("hidden").trainable = False
        each.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
        each.get_layer("hidden").trainable = True
        each.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    for ours, theirs in zip(twin.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


class Stepping(pw.optimizers.Optimizer):
    """Ours, with `step`."""

    def build(self, variables):
        super().build(variables)
        self.add_variable((), name="sum")


class Late(OURS):
    """Built for the first variable alone."""

    def build(self, variables):
        super().build(variables[:1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Stepping(0.1).build(start(pw)),
            ValueError,
            "Stepping defines no `update_step`, which alone could read",
        ),
        (
            lambda: Late().apply(gradients(1)[0], start(pw)),
            ValueError,
            "'bias' is none of those that Late was built for",
        ),
        (
            lambda: OURS().add_optimizer_variables(start(pw), ["a", "b"], ["zeros"]),
            ValueError,
            "got 2 names and 1 initializers",
        ),
        (
            lambda: OURS().update(gradients(1)[0], OURS().init([]), gradients(1)[0]),
            ValueError,
            "update_step needs the variables behind the parameters",
        ),
        (
            lambda: pw.optimizers.Optimizer(0.1).apply([np.ones(1)], [pw.Variable(np.ones(1))]),
            NotImplementedError,
            "must define `step`, or `update_step` as in Keras",
        ),
        (lambda: SGD(0.1).add_variable((2,)), ValueError, "SGD defines no `update_step`"),
    ],
)
def test_a_mistake_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()

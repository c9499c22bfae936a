"""NaN and infinity in fit: found, named, left out or let through; the model keeps the last good state."""

import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise import NonFiniteError, layers

pytestmark = pytest.mark.as_for_users  # two programs, with and without what skips a step, compute the same

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3)).astype("float32")
Y = RNG.normal(size=(64, 1)).astype("float32")


def chain(*inside, optimizer="sgd", loss="mse"):
    """Three numbers through these layers to one, compiled."""
    model = pw.Sequential([pw.Input((3,)), *inside])
    model.compile(optimizer, loss)
    return model


def error_of(model, x=X, y=Y, **options):
    """The error that fit raises in batches of 8, in order."""
    with pytest.raises(NonFiniteError) as caught:
        model.fit(x, y, **{"batch_size": 8, "shuffle": False, "verbose": 0, "epochs": 3, **options})
    return caught.value


def log_layer():
    return layers.Lambda(jnp.log, name="log")


@pytest.fixture
def positive():
    return np.abs(X) + 0.1


def test_a_layer_whose_output_is_not_finite_is_named_with_epoch_step_and_rows(positive):
    positive[[42, 44]] = -1
    error = error_of(chain(log_layer(), layers.Dense(1)), positive)
    assert (error.epoch, error.step, error.layer, error.where) == (0, 5, "log", "output")
    np.testing.assert_array_equal(error.rows, [2, 4])
    np.testing.assert_array_equal(error.batch[0], positive[40:48])
    np.testing.assert_array_equal(error.batch[1], Y[40:48])
    assert "in epoch 0, step 5 (epochs, steps and rows count from 0, as in callbacks and arrays): the output" in str(
        error
    )
    assert "the output of layer 'log' (Lambda) is not finite in rows 2, 4. The model holds" in str(error)


def test_the_first_of_several_layers_is_named(positive):
    positive[9] = -1
    model = chain(
        layers.Dense(3, kernel_initializer="identity"), log_layer(), layers.BatchNormalization(), layers.Dense(1)
    )
    error = error_of(model, positive)
    assert (error.step, error.layer, list(error.rows)) == (1, "log", [1])


def test_a_layer_inside_a_block_is_named():
    class Block(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = layers.Lambda(jnp.sqrt, name="root")

        def call(self, inputs):
            return self.inner(inputs) + 1

    assert error_of(chain(Block(name="block"), layers.Dense(1))).layer == "root"


def test_the_row_that_spoils_a_whole_batch_is_found():
    x = X.copy()
    x[19] = 3e38
    error = error_of(chain(layers.BatchNormalization(name="bn"), layers.Dense(1)), x)
    assert (error.step, error.layer, list(error.rows)) == (2, "bn", [3])


def test_a_gradient_that_is_not_finite_names_the_layer_that_makes_it():
    x = np.abs(X)
    x[30] = 0
    root = layers.Lambda(jnp.sqrt, name="root")
    model = chain(
        layers.Dense(3, kernel_initializer="identity", kernel_constraint="non_neg", use_bias=False),
        root,
        layers.Dense(1),
    )
    error = error_of(model, x)
    assert (error.step, error.layer, error.where, list(error.rows)) == (3, "root", "gradient", [6])


def test_a_loss_that_is_not_finite_is_named():
    def log_loss(y_true, y_pred):
        return jnp.log(y_true)

    y = np.abs(Y) + 1
    y[11] = -1
    error = error_of(chain(layers.Dense(1, name="head"), loss=log_loss), X, y)
    assert (error.step, error.where, list(error.rows)) == (1, "loss", [3])
    assert "the loss of output 'head' is not" in str(error)


@pytest.mark.parametrize("part", ["input", "labels"])
def test_nan_in_the_data_is_told_as_such(part):
    x, y = X.copy(), Y.copy()
    (x if part == "input" else y)[20] = np.nan
    with pytest.warns(pw.warning.NonFiniteWarning):
        error = error_of(chain(layers.Dense(1)), x, y)
    assert (error.step, error.where, list(error.rows)) == (2, part, [4])
    assert f"the {part} of the batch hold NaN or infinity in row 4" in str(error)


def test_a_learning_rate_that_is_too_large_is_suspected():
    error = error_of(chain(layers.Dense(1), optimizer=pw.optimizers.SGD(1e30)), 1e4 * X)
    assert error.where in ("update", "output", "loss")
    assert error.step <= 2


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
@pytest.mark.few(1)
def test_the_model_holds_the_state_before_the_bad_step(positive, optimizer):
    positive[42] = -1

    def model():
        pw.set_random_seed(2)
        pw.backend.clear_session(free_memory=False)
        return chain(
            log_layer(), layers.BatchNormalization(), layers.Dropout(0.3), layers.Dense(1), optimizer=optimizer
        )

    bad = model()
    error_of(bad, positive)
    good = model()
    good.fit(positive[:40], Y[:40], batch_size=8, shuffle=False, verbose=0)
    assert bad.optimizer.iterations == good.optimizer.iterations == 5
    for a, b in zip(bad.get_weights(), good.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isfinite(bad.predict(np.abs(X) + 0.1, verbose=0)).all()


def test_a_bad_step_in_a_later_epoch_and_feed_is_found(positive):
    class Spoils(pw.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.layers[-1].kernel.assign(np.full((3, 1), 3e38))

    error = error_of(chain(log_layer(), layers.Dense(1, name="head")), positive, callbacks=[Spoils()])
    assert (error.epoch, error.step, error.layer) == (2, 0, "head")


def test_skip_leaves_the_step_out_and_counts_it(positive):
    def model():
        pw.set_random_seed(2)
        return chain(log_layer(), layers.BatchNormalization(), layers.Dense(1), optimizer="adam")

    options = {"batch_size": 8, "shuffle": False, "verbose": 0}
    spoilt = positive.copy()
    spoilt[[42, 61]] = -1
    skipping, shorter = model(), model()
    logs = skipping.fit(spoilt, Y, on_nonfinite="skip", epochs=2, **options).history
    kept = [*range(40), *range(48, 56)]
    wanted = shorter.fit(positive[kept], Y[kept], epochs=2, **options).history
    assert logs["skipped"] == [2, 2]
    assert logs["loss"] == wanted["loss"]
    for a, b in zip(skipping.get_weights(), shorter.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "skipped" not in skipping.evaluate(positive, Y, verbose=0, return_dict=True)
    assert "skipped" not in skipping.fit(positive, Y, **options).history


def test_the_loss_of_an_epoch_in_which_all_steps_were_skipped_is_nan():
    logs = chain(log_layer(), layers.Dense(1)).fit(-np.abs(X), Y, on_nonfinite="skip", verbose=0).history
    assert logs["skipped"] == [2]
    assert np.isnan(logs["loss"]).all()


def test_skip_with_validation_has_no_count_for_it(positive):
    logs = chain(log_layer(), layers.Dense(1)).fit(
        positive, Y, validation_data=(positive, Y), on_nonfinite="skip", verbose=0
    )
    assert set(logs.history) == {"loss", "skipped", "val_loss"}


def test_ignore_goes_on():
    model = chain(log_layer(), layers.Dense(1))
    logs = model.fit(-np.abs(X), Y, on_nonfinite="ignore", verbose=0, epochs=2).history
    assert np.isnan(logs["loss"]).all()
    assert np.isnan(model.get_weights()[0]).all()


def test_terminate_on_nan_takes_the_place_of_the_error(capsys):
    logs = chain(log_layer(), layers.Dense(1)).fit(
        -np.abs(X), Y, callbacks=[pw.callbacks.TerminateOnNaN()], verbose=0, epochs=5
    )
    assert len(logs.history["loss"]) == 1
    assert "training ends here" in capsys.readouterr().out


def test_a_callback_of_every_batch_sees_the_good_ones_only(positive):
    positive[42] = -1
    seen = []

    class Sees(pw.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    error = error_of(chain(log_layer(), layers.Dense(1)), positive, callbacks=[Sees()])
    assert (seen, error.step) == ([0, 1, 2, 3, 4], 5)


def test_streamed_data_are_searched_too(positive):
    positive[42] = -1
    batches = ((positive[i : i + 8], Y[i : i + 8]) for i in range(0, 64, 8))
    with pytest.raises(NonFiniteError) as caught:
        chain(log_layer(), layers.Dense(1)).fit(batches, verbose=0)
    assert (caught.value.step, list(caught.value.rows)) == (5, [2])


@pytest.mark.parametrize("given", ["rais", None, True])
def test_an_unknown_choice_is_refused(given):
    with pytest.raises(ValueError, match="on_nonfinite is 'raise', 'skip' or 'ignore'; got"):
        chain(layers.Dense(1)).fit(X, Y, on_nonfinite=given)

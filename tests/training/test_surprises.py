"""No silent surprise: what a run does that nobody would expect is told once, with numbers and the remedy."""

import warnings

import numpy as np
import pytest
from phasewise.warning import (
    InitialStatisticsWarning,
    LaggingStatisticsWarning,
    NothingTrainsWarning,
    PhasewiseWarning,
    PinnedPhaseWarning,
    SmallBatchWarning,
)

import phasewise as pw
from phasewise import layers

X = np.random.default_rng(0).normal(7.0, 3.0, (64, 2)).astype("float32")
Y = (X[:, :1] > 7).astype("int32")


def classifier(**batch_normalization):
    x = pw.Input((2,))
    h = layers.BatchNormalization(name="bn", **batch_normalization)(x)
    model = pw.Model(x, layers.Dense(1, activation="sigmoid")(layers.Dropout(0.1, name="drop")(h)))
    model.compile("sgd", "binary_crossentropy")
    return model


def told(action, category=PhasewiseWarning):
    """The texts of the warnings of this category that `action` gives, with the files that they point to."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    found = [w for w in caught if issubclass(w.category, category)]
    assert all(w.filename == __file__ for w in found)
    return [str(w.message) for w in found]


def test_a_short_fit_says_how_far_the_moving_statistics_are_behind():
    model = classifier()
    (text,) = told(lambda: model.fit(X, Y, batch_size=16, epochs=5, verbose=0), LaggingStatisticsWarning)
    share, moving = 0.99**20, model.get_layer("bn").moving_mean.numpy()
    gap = np.abs(moving - moving / (1 - share)).mean() / 3
    assert "'bn' caught up" in text
    assert f"20 updates at momentum 0.99 leave {share:.0%} of the initial values" in text
    assert abs(float(text.split("off by ")[1].split()[0]) - gap) < 0.2 * gap
    assert "phasewise.recalibrate(model, data), more steps, or a smaller momentum" in text


def test_the_gap_that_is_told_is_the_gap_to_the_population():
    model = classifier()
    (text,) = told(lambda: model.fit(X, Y, batch_size=64, epochs=10, verbose=0), LaggingStatisticsWarning)
    bn = model.get_layer("bn")
    gap = (np.abs(bn.moving_mean.numpy() - X.mean(0)) / X.std(0)).mean()
    ratio = np.exp(np.log(bn.moving_variance.numpy() / X.var(0)).mean())
    assert float(text.split("off by ")[1].split()[0]) == pytest.approx(gap, rel=0.05)
    assert float(text.split("variance is ")[1].split()[0]) == pytest.approx(ratio, rel=0.05)


@pytest.mark.parametrize(
    "batch_normalization, fit",
    [
        ({"momentum": 0.5}, {"epochs": 5}),
        ({}, {"epochs": 125}),
    ],
    ids=["small momentum", "many steps"],
)
def test_a_fit_whose_statistics_have_caught_up_says_nothing(batch_normalization, fit):
    model = classifier(**batch_normalization)
    assert told(lambda: model.fit(X, Y, batch_size=16, verbose=0, **fit)) == []


def test_data_that_look_like_the_initial_values_say_nothing():
    x = (X - X.mean(0)) / X.std(0)
    assert told(lambda: classifier().fit(x, Y, batch_size=64, epochs=3, verbose=0)) == []


def test_updates_count_over_batches_and_fits():
    model = classifier(momentum=0.99)
    for _ in range(7):
        model.train_on_batch(X, Y)
    (text,) = told(lambda: model.fit(X, Y, batch_size=32, verbose=0), LaggingStatisticsWarning)
    assert "9 updates" in text


def test_a_lag_is_told_once_in_a_loop_of_fits():
    model = classifier()
    texts = told(lambda: [model.fit(X, Y, batch_size=32, verbose=0) for _ in range(4)], LaggingStatisticsWarning)
    assert len(texts) == 1
    assert "2 updates" in texts[0]


def test_the_lag_of_another_layer_is_told_for_itself():
    model = classifier()
    assert len(told(lambda: model.fit(X, Y, verbose=0), LaggingStatisticsWarning)) == 1
    deeper = pw.Sequential(
        [model.get_layer("bn"), layers.Rescaling(9.0, 4.0), layers.BatchNormalization(name="new"), layers.Dense(1)]
    )
    deeper.compile("sgd", "mse")
    (text,) = told(lambda: deeper.fit(X, Y, verbose=0), LaggingStatisticsWarning)
    assert "'new' caught up" in text


def test_statistics_that_had_caught_up_and_lag_again_are_told_again():
    model = classifier(momentum=0.9)
    assert len(told(lambda: model.fit(X, Y, batch_size=32, verbose=0), LaggingStatisticsWarning)) == 1
    assert told(lambda: model.fit(X, Y, batch_size=8, epochs=10, verbose=0), LaggingStatisticsWarning) == []
    bn = model.get_layer("bn")
    assert not bn._averages[0].lag_is_told


def test_statistics_that_were_loaded_or_recalibrated_are_not_suspected():
    for prepare in (
        lambda m: m.get_layer("bn").set_weights([np.ones(2), np.zeros(2), np.full(2, 7.0), np.full(2, 9.0)]),
        lambda m: pw.recalibrate(m, X, verbose=0),
    ):
        model = classifier()
        prepare(model)
        assert told(lambda model=model: model.predict(X, verbose=0)) == []
        assert told(lambda model=model: model.fit(X, Y, verbose=0), LaggingStatisticsWarning) == []


def test_a_layer_that_was_frozen_in_this_fit_is_not_told_again():
    model = classifier()
    model.fit(X, Y, verbose=0)
    model.get_layer("bn").trainable = False
    assert told(lambda: model.fit(X, Y, verbose=0)) == []


def test_ghost_batches_count_each():
    model = classifier(virtual_batch_size=8)
    (text,) = told(lambda: model.fit(X, Y, batch_size=32, verbose=0), LaggingStatisticsWarning)
    assert "8 updates" in text


def test_recalibrate_is_the_remedy():
    model = classifier()
    model.fit(X, Y, batch_size=16, epochs=20, verbose=0)
    before = model.evaluate(X, Y, verbose=0)
    pw.recalibrate(model, X, verbose=0)
    assert model.evaluate(X, Y, verbose=0) < before


@pytest.mark.parametrize("rows", [1, 2])
def test_batches_of_one_or_two_rows_are_told(rows):
    texts = told(lambda: classifier().fit(X, Y, batch_size=rows, epochs=2, verbose=0), SmallBatchWarning)
    assert len(texts) == 1
    assert f"('bn') trains on a batch of {rows} row" in texts[0]


def test_images_of_one_row_have_values_enough():
    x = pw.Input((8, 8, 1))
    model = pw.Model(x, layers.Dense(1)(layers.Flatten()(layers.BatchNormalization()(x))))
    model.compile("sgd", "mse")
    images = np.random.default_rng(0).normal(size=(3, 8, 8, 1))
    assert told(lambda: model.fit(images, np.zeros((3, 1)), batch_size=1, verbose=0), SmallBatchWarning) == []


@pytest.mark.parametrize("task", ["predict", "evaluate"])
def test_statistics_that_no_batch_has_updated_are_told_when_they_are_used(task):
    model = classifier()
    run = {"predict": lambda: model.predict(X, verbose=0), "evaluate": lambda: model.evaluate(X, Y, verbose=0)}[task]
    (text,) = told(run, InitialStatisticsWarning)
    assert "('bn') normalizes with moving statistics that no batch has ever updated" in text
    assert told(run) == []


def test_statistics_of_the_batch_need_no_updates():
    assert told(lambda: classifier().predict(X, statistics="batch", verbose=0)) == []


def test_training_a_layer_in_inference_is_noticed_at_predict():
    x = pw.Input((2,))
    model = pw.Model(x, layers.Dense(1)(layers.BatchNormalization(name="bn")(x, training=False)))
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert len(told(lambda: model.predict(X, verbose=0), InitialStatisticsWarning)) == 1


def test_validation_during_fit_is_no_use_of_initial_statistics():
    model = classifier(momentum=0.1)
    assert told(lambda: model.fit(X, Y, validation_data=(X, Y), verbose=0)) == []
    assert told(lambda: model.predict(X, verbose=0)) == []


def test_a_pinned_phase_that_makes_fit_infer_is_told():
    model = classifier()
    with pw.learning_phase_scope("inference"):
        (text,) = told(lambda: model.fit(X, Y, verbose=0), PinnedPhaseWarning)
    assert "pinned to inference, so `fit` trains with 'bn', 'drop' in inference" in text
    assert "set_learning_phase(None)" in text
    with pw.learning_phase_scope("training"):
        assert told(lambda: model.fit(X, Y, verbose=0), PinnedPhaseWarning) == []


def frozen(*names):
    """A chain of which the layers of these names are frozen, all for none; compiled after that or before."""
    chain = [layers.Dense(3, name="first"), layers.Dense(1, name="second")]
    model = pw.Sequential([pw.Input((2,)), *chain], name="net")
    return model, [layer for layer in chain if layer.name in names or not names]


@pytest.mark.parametrize("frozen_first", [True, False], ids=["frozen, then compiled", "compiled, then frozen"])
@pytest.mark.parametrize("task", ["fit", "train_on_batch"])
def test_training_a_model_that_is_frozen_is_told_once(task, frozen_first):
    model, inside = frozen()
    if frozen_first:
        model.trainable = False
    model.compile("sgd", "mse")
    if not frozen_first:
        for layer in inside:
            layer.trainable = False
    run = {"fit": lambda: model.fit(X, Y, verbose=0), "train_on_batch": lambda: model.train_on_batch(X, Y)}[task]
    (text,) = told(lambda: [run(), run()], NothingTrainsWarning)
    assert f"`{task}` of 'net' trains nothing: its weights are frozen ('first', 'second')" in text
    assert "set `trainable = True` before the calls that are to train it" in text
    model.trainable = True
    before = model.get_weights()
    assert told(run) == []
    assert (model.get_weights()[0] != before[0]).any()


def test_the_discriminator_of_a_gan_that_is_frozen_for_the_generators_sake_says_so_in_its_own_training():
    discriminator = pw.Sequential([pw.Input((2,)), layers.Dense(1, "sigmoid", name="judge")], name="discriminator")
    discriminator.compile("sgd", "binary_crossentropy")
    noise = pw.Input((3,))
    discriminator.trainable = False
    gan = pw.Model(noise, discriminator(layers.Dense(2)(noise)))
    gan.compile("sgd", "binary_crossentropy")
    (text,) = told(lambda: discriminator.train_on_batch(X, Y), NothingTrainsWarning)
    assert "'discriminator' trains nothing: its weights are frozen ('judge')" in text
    assert told(lambda: gan.train_on_batch(np.zeros((4, 3)), np.ones((4, 1)))) == []


def test_a_model_without_weights_that_is_trained_says_so():
    model = pw.Sequential([pw.Input((1,)), layers.Activation("tanh")])
    model.compile("sgd", "mse")
    (text,) = told(lambda: model.fit(X[:, :1], Y, verbose=0), NothingTrainsWarning)
    assert "trains nothing: it has no trainable weights" in text


def test_a_model_of_which_a_part_is_frozen_trains():
    model, (layer,) = frozen("first")
    layer.trainable = False
    model.compile("sgd", "mse")
    assert told(lambda: model.fit(X, Y, verbose=0)) == []


@pytest.mark.parametrize("category", [LaggingStatisticsWarning, SmallBatchWarning, PhasewiseWarning])
def test_each_is_silenced_by_a_standard_filter(category):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", category=category)
        classifier().fit(X, Y, batch_size=2, verbose=0)
    kinds = {w.category for w in caught}
    assert not any(issubclass(kind, category) for kind in kinds)
    assert (kinds == set()) == (category is PhasewiseWarning)

"""What the switch makes models do: observed in outputs and weights, not in the rules' own code."""

import numpy as np
import pytest

import phasewise as pw
from phasewise.layers import BatchNormalization, Dense, Dropout

X = np.random.default_rng(0).normal(3.0, 2.0, (64, 4)).astype("float32")
Y = (X[:, :1] > 3).astype("int32")


def normalized(y):
    """Whether rows were normalized with their own batch."""
    return bool(abs(np.mean(y)) < 1e-2)


def bn_model(**call):
    x = pw.Input((4,))
    return pw.Model(x, BatchNormalization(name="bn")(x, **call))


def classifier(**call):
    x = pw.Input((4,))
    h = BatchNormalization(name="bn")(x, **call)
    model = pw.Model(x, Dense(1, activation="sigmoid")(Dropout(0.5, name="drop")(h)))
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model


def test_predict_uses_moving_statistics():
    np.testing.assert_allclose(bn_model().predict(X, verbose=0), X / np.sqrt(1.001), rtol=1e-5)


def test_predict_honours_training_pinned_at_the_call():
    assert normalized(bn_model(training=True).predict(X, batch_size=64, verbose=0))


def test_fit_honours_inference_pinned_at_the_call():
    model = classifier(training=False)
    model.fit(X, Y, epochs=1, verbose=0)
    np.testing.assert_array_equal(model.get_layer("bn").get_weights()[2], np.zeros(4))


def test_predict_with_batch_statistics_is_not_the_training_phase():
    model = classifier()
    before = model.get_weights()
    first = model.predict(X, statistics="batch", verbose=0)
    np.testing.assert_array_equal(first, model.predict(X, statistics="batch", verbose=0))
    assert not np.allclose(first, model.predict(X, verbose=0))
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_statistics_scope_reaches_predict_evaluate_and_calls():
    model = bn_model()
    asked = model.predict(X, batch_size=64, statistics="batch", verbose=0)
    with pw.statistics("batch"):
        np.testing.assert_array_equal(model.predict(X, batch_size=64, verbose=0), asked)
        assert normalized(model(X))
        with pw.statistics("moving"):
            assert not normalized(model(X))
    assert not normalized(model(X))


def test_evaluate_takes_statistics():
    model = classifier()
    model.get_layer("bn").set_weights([np.ones(4), np.zeros(4), np.full(4, 100.0), np.ones(4)])
    moving = model.evaluate(X, Y, verbose=0)
    batch = model.evaluate(X, Y, statistics="batch", verbose=0)
    assert moving[0] != batch[0]


@pytest.mark.parametrize("name", ["btach", "population", 3])
def test_unknown_statistics_policy_is_named(name):
    with pytest.raises(ValueError, match=r"Unknown statistics policy .*'moving'.*'batch'"):
        bn_model().predict(X, statistics=name, verbose=0)


def test_learning_phase_takes_effect_at_the_next_predict_without_compile():
    model = bn_model()
    assert not normalized(model.predict(X, batch_size=64, verbose=0))
    pw.backend.set_learning_phase(1)
    assert normalized(model.predict(X, batch_size=64, verbose=0))
    pw.backend.set_learning_phase(None)
    assert not normalized(model.predict(X, batch_size=64, verbose=0))


def test_learning_phase_can_make_fit_run_in_inference():
    model = classifier()
    with pw.learning_phase_scope("inference"):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.get_layer("bn").get_weights()[2], np.zeros(4))
    model.fit(X, Y, verbose=0)
    assert np.all(model.get_layer("bn").get_weights()[2] != 0)


def test_freezing_takes_effect_at_the_next_fit_without_compile():
    model = classifier()
    model.fit(X, Y, verbose=0)
    bn = model.get_layer("bn")
    bn.trainable = False
    frozen = bn.get_weights()
    model.fit(X, Y, verbose=0)
    for a, b in zip(frozen, bn.get_weights()):
        np.testing.assert_array_equal(a, b)
    bn.trainable = True
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(frozen[2], bn.get_weights()[2])


def test_frozen_layer_is_in_inference_even_when_pinned():
    model = bn_model(training=True)
    model.get_layer("bn").trainable = False
    assert not normalized(model.predict(X, batch_size=64, verbose=0))


def test_enclosing_call_decides_for_layers_inside():
    inner = bn_model()
    x = pw.Input((4,))
    outer = pw.Model(x, inner(x, training=True))
    assert normalized(outer.predict(X, batch_size=64, verbose=0))
    assert normalized(inner(X, training=True))
    assert not normalized(inner(X))


def test_dropout_drops_in_fit_only():
    x = pw.Input((4,))
    model = pw.Model(x, Dropout(0.5)(x))
    np.testing.assert_array_equal(model.predict(X, verbose=0), X)
    assert (np.asarray(model(X, training=True)) == 0).mean() > 0.3


class Block(pw.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.bn = BatchNormalization(name="inner")

    def call(self, inputs, training=None):
        return self.bn(inputs, training=training)


def test_explain_says_what_each_layer_does_and_why():
    rows = classifier().explain(print_fn=False)
    assert [row.layer for row in rows] == ["bn", "drop"]
    bn, drop = rows["bn"], rows["drop"]
    assert (bn.fit.phase, bn.fit.statistics, bn.fit.rule, bn.fit.reason) == ("training", "batch", 5, "fit")
    assert (bn.predict.phase, bn.predict.statistics, bn.predict.reason) == ("inference", "moving", "predict")
    assert (drop.fit.action, drop.predict.action) == ("drops 50%", "passes through")


def test_explain_sees_pins_freezing_policy_and_phase():
    model = classifier(training=True)
    assert model.explain(print_fn=False)["bn"].predict.reason == "pinned at its call"
    model.get_layer("bn").trainable = False
    assert model.explain(print_fn=False)["bn"].fit.reason == "frozen"
    with pw.learning_phase_scope(1):
        assert classifier().explain(print_fn=False)["drop"].predict.reason == "learning phase"
    assert classifier().explain(statistics="batch", print_fn=False)["bn"].predict.action == "batch statistics"


def test_explain_finds_the_origin_of_a_phase_that_a_block_hands_on():
    x = pw.Input((4,))
    model = pw.Model(x, Block()(x))
    row = model.explain(print_fn=False)["inner"]
    assert (row.fit.reason, row.predict.reason) == ("fit", "predict")


def test_explain_prints_a_table(capsys):
    classifier(training=True).explain()
    printed = capsys.readouterr().out
    assert "pinned at its call" in printed
    assert "batch statistics, moving ones follow" in printed
    assert "drops 50%" in printed


def test_explain_is_not_shown_twice_where_the_last_value_is_echoed():
    rows = classifier().explain(print_fn=False)
    assert "└" in str(rows)
    assert "└" not in repr(rows)


def test_tables_are_text_in_a_notebook_too(monkeypatch):
    import rich.console

    monkeypatch.setattr(rich.console, "_is_jupyter", lambda: True)
    assert "bn" in str(classifier().explain(print_fn=False))


def test_explain_agrees_with_what_predict_does():
    for call in ({}, {"training": True}, {"training": False}):
        model = bn_model(**call)
        said = model.explain(print_fn=False)["bn"].predict.statistics
        assert normalized(model.predict(X, batch_size=64, verbose=0)) == (said == "batch")


def test_explain_of_a_model_without_such_layers_says_so(capsys):
    x = pw.Input((4,))
    pw.Model(x, Dense(1)(x)).explain()
    assert "No layer in it behaves differently" in capsys.readouterr().out


def test_freezing_a_single_weight_takes_effect_at_the_next_fit():
    model = classifier()
    model.fit(X, Y, verbose=0)
    kernel = model.layers[-1].kernel
    kernel.trainable = False
    before = kernel.numpy()
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(kernel.numpy(), before)
    kernel.trainable = True
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(kernel.numpy(), before)


@pytest.mark.parametrize("base", [pw.Model, pw.Sequential])
def test_a_call_of_ones_own_hands_the_phase_on_to_the_model_that_it_extends(base):
    class Handing(base):
        def call(self, inputs, training=None, mask=None):
            return super().call(inputs, training=training, mask=mask)

    class Inferring(base):
        def call(self, inputs, training=None):
            return super().call(inputs, False)

    x, bn = pw.Input((4,)), BatchNormalization(name="bn")
    arguments = (x, bn(x)) if base is pw.Model else ([x, bn],)
    handing, inferring = Handing(*arguments), Inferring(*arguments)
    assert normalized(handing(X, training=True)) and not normalized(handing(X))
    assert not normalized(inferring(X, training=True))
    assert "given by the call around it" in str(inferring.explain()) and "given" not in str(handing.explain())


def test_a_call_of_ones_own_hands_a_mask_on_to_the_model_that_it_extends():
    class Handing(pw.Model):
        def call(self, inputs, training=None, mask=None):
            return super().call(inputs, training=training, mask=inputs[..., 0] != 0)

    x = pw.Input((3, 1))
    handing = Handing(x, pw.layers.GlobalAveragePooling1D()(x))
    assert handing(np.float32([[[2], [4], [0]]])).item() == 3

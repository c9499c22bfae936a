"""What a traced step keeps on objects has no value afterwards: whoever uses it is told what it was, where it is, and what to do."""

import copy
import pickle

import numpy as np
import pytest

import phasewise as pw
from phasewise.training.left_behind import LeftBehindError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 3)).astype("float32"), RNG.normal(size=(8, 2)).astype("float32")
KEPT = []


class Holder:
    pass


class Keeping(pw.Model):
    """Its step hands the loss to `keep`."""

    def __init__(self, keep):
        super().__init__(name="keeping")
        self.dense, self.box, self.holder, self.keep = pw.layers.Dense(2, name="dense"), {}, Holder(), keep

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data
        loss, gradients = self.value_and_grad(lambda: self.compute_loss(x=x, y=y, y_pred=self(x, training=True)))()
        self.optimizer.apply(gradients, self.trainable_variables)
        self.keep(self, loss)
        return {"loss": loss}


class KeepingInAGlobal(Keeping):
    def train_step(self, data):
        logs = super().train_step(data)
        KEPT[:] = [logs["loss"]]
        return logs


PLACES = {
    "Keeping.last": (lambda m, loss: setattr(m, "last", loss), lambda m: m.last),
    "Keeping.box['loss']": (lambda m, loss: m.box.update(loss=loss), lambda m: m.box["loss"]),
    "Keeping.holder.loss": (lambda m, loss: setattr(m.holder, "loss", loss), lambda m: m.holder.loss),
    "Keeping.pair": (lambda m, loss: setattr(m, "pair", (loss, 1)), lambda m: m.pair),
    "Dense 'dense': self.last": (lambda m, loss: setattr(m.dense, "last", loss), lambda m: m.dense.last),
}


def fitted(model):
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=2, batch_size=4, verbose=0)
    return model


@pytest.mark.parametrize("place", PLACES)
def test_what_a_step_kept_is_named_when_it_is_used(place):
    keep, kept = PLACES[place]
    model = fitted(Keeping(keep))
    uses = (
        float,
        np.asarray,
        bool,
        len,
        lambda v: v + 1,
        lambda v: pw.ops.add(v, 1),
        lambda v: v.shape,
        lambda v: f"{v:.3f}",
    )
    for use in uses:
        with pytest.raises(LeftBehindError) as told:
            use(kept(model))
        assert f"{place} has no value. It was kept while a step was traced" in str(told.value)
        assert "Return what is to be seen from the step, in its dict" in str(told.value)
    assert "without a value" in repr(kept(model))


def test_what_a_step_kept_in_a_list_of_its_module_is_named():
    fitted(KeepingInAGlobal(lambda model, loss: None))
    with pytest.raises(LeftBehindError, match=r"KEPT\[0\] has no value.*an array of shape \(\) and dtype float32"):
        float(KEPT[0])


def test_a_sum_over_steps_in_an_attribute_is_told_of_by_fit():
    def keep(model, loss):
        model.total = getattr(model, "total", 0) + loss

    with pytest.raises(
        LeftBehindError, match=r"Keeping.total has no value.*phasewise.Variable\(value, trainable=False\)"
    ):
        fitted(Keeping(keep))


def test_a_variable_keeps_the_sum_as_the_message_says():
    def keep(model, loss):
        model.total.assign(model.total + loss)

    model = Keeping(keep)
    model.total = pw.Variable(0.0, trainable=False)
    model.compile("sgd", "mse")
    losses = [model.train_on_batch(X, Y, return_dict=True)["loss"] for _ in range(3)]
    assert float(model.total) == pytest.approx(sum(losses), rel=1e-6)


class Remembering(pw.layers.Layer):
    def call(self, x):
        self.scores = 2 * x
        return x


@pytest.mark.parametrize("use", ["fit", "train_on_batch", "predict", "evaluate", "call"])
def test_what_a_layer_keeps_is_there_in_the_same_trace_and_named_afterwards(use):
    layer = Remembering(name="remembering")

    class Reading(pw.Model):
        def __init__(self):
            super().__init__()
            self.layer, self.dense = layer, pw.layers.Dense(2)

        def call(self, x):
            return self.dense(self.layer(x)) + pw.ops.sum(layer.scores)

    model = Reading()
    model.compile("sgd", "mse")
    if use == "call":
        model(X)
    elif use == "train_on_batch":
        model.train_on_batch(X, Y)
    elif use == "predict":
        model.predict(X, verbose=0)
    else:
        getattr(model, use)(X, Y, verbose=0)
    with pytest.raises(LeftBehindError, match=r"Remembering 'remembering': self.scores has no value"):
        np.asarray(layer.scores)
    for again in (copy.copy(layer.scores), pickle.loads(pickle.dumps(layer.scores))):
        assert "without a value" in repr(again)


class Numbers:
    def __init__(self):
        self.rows = [list(range(1000)) for _ in range(1000)]


class Hoarding(pw.layers.Layer):
    def call(self, x):
        self.scores = 2 * x
        return x


def test_what_a_layer_keeps_is_found_beside_objects_with_a_million_numbers():
    layer = Hoarding(name="hoarding")
    layer.numbers = Numbers()
    pw.Sequential([layer])(X)
    with pytest.raises(LeftBehindError, match=r"Hoarding 'hoarding': self.scores has no value"):
        float(layer.scores)
    assert layer.numbers.rows[-1][-1] == 999

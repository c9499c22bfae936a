"""What is looked up once of a tree of layers is looked up again as soon as something in the tree has changed."""

import copy

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

# Halves and quarters: no order of their sums rounds, so that two programs give the same bits on every processor.
X = np.round(4 * np.random.default_rng(0).normal(size=(6, 4)).astype("float32")) / 4


class Blocks(pw.Model):
    """Layers in a list, in a dict, in a nested list, and as attributes."""

    def __init__(self):
        super().__init__()
        self.listed = [layers.Dense(4)]
        self.named = {"first": layers.Dense(4)}
        self.nested = [[layers.Dense(4)]]
        self.later = []
        self.alone = layers.Dense(4)
        self.inner = pw.Sequential([layers.Dense(4), layers.Dropout(0.5)])

    def call(self, x):
        for layer in [*self.listed, *self.named.values(), *self.nested[0], *self.later]:
            x = layer(x)
        return self.inner(self.alone(x)) if self.alone is not None else self.inner(x)


def zeroing(**kwargs):
    return layers.Dense(4, kernel_initializer="zeros", bias_initializer="ones", **kwargs)


def swap_in_a_list(model):
    model.listed[0] = zeroing()


def append_to_a_list(model):
    model.listed.append(zeroing())


def append_to_an_empty_list(model):
    model.later.append(zeroing())


def insert_into_a_nested_list(model):
    model.nested[0].insert(0, zeroing())


def replace_in_a_dict(model):
    model.named["first"] = zeroing()


def add_to_a_dict(model):
    model.named["second"] = zeroing()


def set_an_attribute(model):
    model.alone = zeroing()


def swap_a_grandchild(model):
    model.inner.pop()
    model.inner.add(zeroing())


def in_place(model):
    model.listed[:] = [zeroing()]


CHANGES = [
    swap_in_a_list,
    append_to_a_list,
    append_to_an_empty_list,
    insert_into_a_nested_list,
    replace_in_a_dict,
    add_to_a_dict,
    set_an_attribute,
    swap_a_grandchild,
    in_place,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_of_the_tree_takes_effect_at_the_very_next_call(change):
    model = Blocks()
    model(X)
    model.set_weights([np.round(2 * weight) / 2 for weight in model.get_weights()])
    before = [np.asarray(model(X)), model.predict(X, verbose=0)]
    weights = len(model.weights)
    change(model)
    after = [np.asarray(model(X)), model.predict(X, verbose=0)]
    for now, then in zip(after, before):
        assert not np.allclose(now, then)
    np.testing.assert_array_equal(after[0], after[1])
    assert len(model.weights) >= weights
    assert {id(v) for v in model.weights} == {id(v) for layer in model.all_layers() for v in layer.weights}


def test_a_deleted_layer_is_gone_from_the_weights():
    model = Blocks()
    model(X)
    weights = len(model.weights)
    del model.listed[0]
    assert len(model.weights) == weights - 2
    del model.alone
    assert len(model.weights) == weights - 4


def test_a_popped_item_of_a_dict_is_gone_from_the_weights():
    model = Blocks()
    model(X)
    weights = len(model.weights)
    model.named.pop("first")
    assert len(model.weights) == weights - 2


def test_freezing_a_grandchild_takes_effect_at_the_next_step():
    model = Blocks()
    model(X)
    model.compile("sgd", "mse")
    inner = model.inner.layers[0]
    model.train_on_batch(X, X)
    inner.trainable = False
    frozen, others = inner.get_weights(), model.listed[0].get_weights()
    model.train_on_batch(X, X)
    np.testing.assert_array_equal(inner.get_weights()[0], frozen[0])
    assert not np.array_equal(model.listed[0].get_weights()[0], others[0])
    inner.trainable = True
    model.train_on_batch(X, X)
    assert not np.array_equal(inner.get_weights()[0], frozen[0])


def test_a_frozen_variable_takes_effect_at_the_next_step():
    model = pw.Sequential([pw.Input((4,)), layers.Dense(4)])
    model.compile("sgd", "mse")
    model.train_on_batch(X, X)
    dense = model.layers[0]
    dense.kernel.trainable = False
    kernel = dense.kernel.numpy().copy()
    model.train_on_batch(X, X)
    np.testing.assert_array_equal(dense.kernel.numpy(), kernel)
    assert [v.name for v in model.trainable_variables] == ["bias"]


def test_freezing_normalization_between_two_calls_turns_the_switch_at_once():
    norm = layers.BatchNormalization()
    model = pw.Sequential([pw.Input((4,)), norm])
    moving = np.asarray(model(X, training=False))
    assert not np.allclose(model(X, training=True), moving)
    norm.trainable = False
    np.testing.assert_allclose(model(X, training=True), model(X, training=False), rtol=1e-6)
    assert model.explain(print_fn=False)["batch_normalization"].fit.reason == "frozen"


def test_a_weight_added_later_is_among_the_weights():
    layer = layers.Dense(3)
    layer.build((None, 4))
    assert len(layer.weights) == 2
    layer.add_weight((2,), "zeros", name="late")
    assert [v.name for v in layer.weights] == ["kernel", "bias", "late"]


def test_a_variable_in_an_attribute_is_found_when_it_is_set_and_lost_when_it_is_deleted():
    layer = layers.Dense(3)
    layer.build((None, 4))
    assert len(layer.weights) == 2
    layer.extra = pw.Variable(np.zeros(2))
    assert len(layer.weights) == 3
    del layer.extra
    assert len(layer.weights) == 2


def test_a_deep_copy_has_a_tree_of_its_own():
    model = Blocks()
    before = np.asarray(model(X))
    twin = copy.deepcopy(model)
    assert not {id(v) for v in twin.weights} & {id(v) for v in model.weights}
    twin.set_weights([np.zeros(v.shape) for v in twin.weights])
    np.testing.assert_array_equal(np.asarray(model(X)), before)
    np.testing.assert_array_equal(np.asarray(twin(X)), np.zeros((6, 4)))


def test_weights_set_between_two_predictions_are_used_by_the_second():
    model = pw.Sequential([pw.Input((4,)), layers.Dense(2, use_bias=False)])
    model.predict(X, verbose=0)
    model.layers[0].kernel.assign(np.ones((4, 2)))
    np.testing.assert_allclose(model.predict(X, verbose=0), np.repeat(X.sum(1, keepdims=True), 2, 1), rtol=1e-5)


def scaled_by(model):
    """What a chain of `layers.BatchNormalization` gives, in float64, from its weights as they are now."""
    y = X.astype(np.float64)
    for layer in model.layers:
        gamma, beta, mean, variance = (np.asarray(v, np.float64) for v in layer.weights)
        y = (y - mean) / np.sqrt(variance + layer.epsilon) * gamma + beta
    return y


def test_any_one_weight_of_a_deep_model_that_changes_is_used_by_the_next_call():
    model = pw.Sequential([pw.Input((4,)), *(layers.BatchNormalization() for _ in range(18))])
    for call in (model, lambda x: model.predict(x, verbose=0)):
        for layer, weight in ((0, 0), (17, 1), (9, 2), (4, 3)):
            variable = model.layers[layer].weights[weight]
            variable.assign_add(np.linspace(0.5, 1, 4))
            np.testing.assert_allclose(call(X), scaled_by(model), rtol=1e-4, atol=1e-5)
        model.set_weights([w + 0.1 for w in model.get_weights()])
        np.testing.assert_allclose(call(X), scaled_by(model), rtol=1e-4, atol=1e-5)

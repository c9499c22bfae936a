"""`class_weight` for one output and for each of several: a sample weight for every row, told by its class."""

import numpy as np
import pytest

import phasewise as pw
from phasewise.layers import Dense

X = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
A, B = np.arange(8) // 4, np.arange(8) % 2
WEIGHTS_A, WEIGHTS_B = np.where(A == 1, 5.0, 1.0), np.where(B == 1, 3.0, 1.0)


def model(nest):
    x = pw.Input((3,))
    net = pw.Model(x, nest(*(Dense(1, "sigmoid", kernel_initializer="ones", name=name)(x) for name in "pq")))
    net.compile("sgd", "binary_crossentropy")
    return net


def loss(net, y, **weights):
    return net.fit(X, y, shuffle=False, verbose=0, **weights).history["loss"][0]


NESTS = {
    "list": (lambda a, b: [a, b], [{0: 1, 1: 5}, {1: 3}]),
    "list by name": (lambda a, b: [a, b], {"q": {1: 3}, "p": {1: 5}}),
    "dict": (lambda a, b: {"z": a, "a": b}, {"a": {1: 3}, "z": {0: 1, 1: 5}}),
    "nest": (lambda a, b: {"z": [a], "a": {"in": b}}, {"a": {"in": {1: 3}}, "z": [{0: 1, 1: 5}]}),
}


@pytest.mark.parametrize("form", NESTS)
def test_each_output_has_class_weights_nested_as_the_labels_are(form):
    nest, class_weight = NESTS[form]
    y = nest(A, B)
    wanted = loss(model(nest), y, sample_weight=nest(WEIGHTS_A, WEIGHTS_B))
    np.testing.assert_allclose(loss(model(nest), y, class_weight=class_weight), wanted, rtol=1e-6)


def test_a_plan_and_a_single_batch_are_weighed_alike():
    nest, class_weight = NESTS["dict"]
    y = nest(A, B)
    wanted = loss(model(nest), y, sample_weight=nest(WEIGHTS_A, WEIGHTS_B))
    plan = pw.Dataset.from_tensor_slices((X, y)).batch(8)
    found = model(nest).fit(plan, class_weight=class_weight, verbose=0).history["loss"][0]
    on_batch = model(nest).train_on_batch(X, y, class_weight=class_weight)[0]
    np.testing.assert_allclose([found, on_batch], wanted, rtol=1e-6)


def test_class_weights_multiply_the_sample_weights_of_their_output_and_others_weigh_1():
    nest, _ = NESTS["dict"]
    y, rows = nest(A, B), np.arange(8.0)
    wanted = loss(model(nest), y, sample_weight=nest(rows * WEIGHTS_A, rows))
    found = loss(model(nest), y, class_weight={"z": {1: 5}}, sample_weight=rows)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_the_only_output_may_be_named():
    def only(a, b):
        return a

    wanted = loss(model(only), A, class_weight={1: 5})
    np.testing.assert_allclose(loss(model(only), A, class_weight={"p": {1: 5}}), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("form", "class_weight", "message"),
    [
        (
            "dict",
            {0: 1, 1: 5},
            r"labels for 2 outputs: .*nested as the labels are: class_weight=\{'z': \{0: 1, 1: 5\}, …\}",
        ),
        ("list", {1: 5}, r"labels for 2 outputs: .* class_weight=\[\{1: 5\}, …\]"),
        ("dict", {"y": {1: 5}}, "`class_weight` names the output 'y', which the model lacks"),
        ("dict", [{1: 5}, {1: 5}], r"`class_weight` must be a dict with the keys \['z', 'a'\], .* got a list of 2"),
        ("list", [{1: 5}], r"`class_weight` has 1 item and the model 2 outputs, \['p', 'q'\]"),
        ("list", [{"yes": 5}, None], r"maps class numbers to weights, as in \{0: 1.0, 1: 5.0\}; got the class 'yes'"),
    ],
)
def test_what_cannot_be_matched_is_explained(form, class_weight, message):
    nest = NESTS[form][0]
    with pytest.raises(ValueError, match=message):
        loss(model(nest), nest(A, B), class_weight=class_weight)

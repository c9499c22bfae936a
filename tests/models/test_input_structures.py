"""Inputs are matched with a model's by key or by place, as they were named, and never by the order of sorted keys."""

import numpy as np
import pytest
from phasewise.warning import StructureWarning

import phasewise as pw
from phasewise.layers import Subtract

ONE, ZERO = np.ones((4, 1), np.float32), np.zeros((4, 1), np.float32)


def difference(nest):
    """IT - IS; `nest` says how the two inputs are nested."""
    a, b = pw.Input((1,), name="IT"), pw.Input((1,), name="IS")
    model = pw.Model(nest(a, b), Subtract()([a, b]))
    model.compile("sgd", "mse")
    return model


@pytest.fixture(scope="module")
def by_key():
    return difference(lambda a, b: {"IT": a, "IS": b})


@pytest.fixture(scope="module")
def in_a_list():
    return difference(lambda a, b: [a, b])


def calls_of(model):
    """The ways of handing data to a model, each giving the outputs or the loss against 1."""
    return {
        "call": lambda x: model(x),
        "predict": lambda x: model.predict(x, verbose=0),
        "predict_on_batch": lambda x: model.predict_on_batch(x),
        "evaluate": lambda x: 1 - model.evaluate(x, ONE, verbose=0),
        "a graph": lambda x: pw.Model(inputs := _symbolic(x), model(inputs))(x),
    }


def _symbolic(x):
    if isinstance(x, dict):
        return {key: pw.Input((1,), name=f"{key}_") for key in x}
    return [pw.Input((1,)) for _ in x]


WAYS = list(calls_of(None))


@pytest.mark.parametrize("way", WAYS)
def test_a_dict_in_any_order_goes_by_its_keys(by_key, in_a_list, way):
    for model in by_key, in_a_list:
        for data in {"IT": ONE, "IS": ZERO}, {"IS": ZERO, "IT": ONE}:
            np.testing.assert_array_equal(np.unique(calls_of(model)[way](data)), 1)


@pytest.mark.parametrize("way", WAYS)
def test_a_list_for_a_dict_of_inputs_is_refused_with_their_keys(by_key, way):
    message = r"must be a dict with the keys \['IT', 'IS'\], as the model's inputs are; got a list of 2"
    with pytest.raises(ValueError, match=message):
        calls_of(by_key)[way]([ONE, ZERO])


def test_fit_refuses_a_list_for_a_dict_of_inputs_before_anything_is_learnt(by_key):
    for x in ([ONE, ZERO], ONE):
        with pytest.raises(ValueError, match=r"a dict with the keys \['IT', 'IS'\]"):
            by_key.fit(x, ONE, verbose=0)


def test_keys_that_the_model_lacks_are_left_out_with_a_warning_told_once(by_key, in_a_list):
    for model in by_key, in_a_list:
        with pytest.warns(
            StructureWarning, match=r"have the keys \['age'\], which are none of .* \['IT', 'IS'\]"
        ) as told:
            assert (model.predict({"IT": ONE, "age": ZERO, "IS": ZERO}, verbose=0) == 1).all()
            model.predict({"IT": ONE, "age": ZERO, "IS": ZERO}, verbose=0)
        assert len([w for w in told if w.category is StructureWarning]) == 1


def test_a_missing_key_is_named(by_key):
    with pytest.raises(ValueError, match=r"inputs are \['IS', 'IT'\]; .* the keys \['IS', 'it'\]: 'IT' is missing"):
        by_key({"IS": ONE, "it": ONE})


def test_a_dict_within_a_dict_is_matched_by_both_keys():
    model = difference(lambda a, b: {"x": {"q": a, "p": b}})
    assert (model({"x": {"p": ZERO, "q": ONE}}) == 1).all()
    with pytest.raises(ValueError, match=r"a dict with the keys \['q', 'p'\], .* got a list of 2"):
        model({"x": [ONE, ZERO]})


def test_lists_that_are_nested_otherwise_are_taken_in_order_with_a_warning(in_a_list):
    with pytest.warns(StructureWarning, match=r"nested otherwise than the model's inputs, \['IT', 'IS'\]"):
        assert (in_a_list([[ONE, ZERO]]) == 1).all()


def test_too_many_arrays_are_refused(in_a_list):
    with pytest.raises(ValueError, match=r"has 2 inputs, \['IT', 'IS'\]; it was given 3 arrays"):
        in_a_list([ONE, ZERO, ONE])


def test_none_among_the_inputs_is_named(in_a_list):
    with pytest.raises(ValueError, match="for 'IS' it was given None"):
        in_a_list([ONE, None])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda m: m([ONE, ZERO], True),
            TypeError,
            r"takes call\(inputs\); .* 2 arguments by place, and True has no place",
        ),
        (lambda m: m(ONE, ZERO), TypeError, r"an array of shape \(4, 1\) has no place there.*as one list or dict"),
        (lambda m: m(), TypeError, r"takes call\(inputs\); it was given nothing"),
        (
            lambda m: m([ONE, object()]),
            TypeError,
            "Input 'IS' takes an array, .* it was given an object of type object",
        ),
        (lambda m: m([ONE, ZERO], training="yes"), TypeError, "`training` is True, False or None; got 'yes'"),
        (lambda m: pw.layers.Dense(2)(ONE, 3), TypeError, r"takes call\(inputs\); .* and 3 has no place there"),
        (lambda m: pw.layers.Dense(2)(None), ValueError, r"\(Dense\) expects an array; got None"),
        (lambda m: pw.layers.Dropout(0.5)(ONE, 0.5), TypeError, "`training` is True, False or None; got 0.5"),
    ],
)
def test_what_a_call_cannot_take_is_explained(in_a_list, call, error, message):
    with pytest.raises(error, match=message):
        call(in_a_list)


@pytest.mark.parametrize("layer", [pw.layers.Dense(2), pw.layers.Softmax(), pw.layers.BatchNormalization()])
def test_a_mask_of_another_shape_is_refused_with_both_shapes(layer):
    with pytest.raises(ValueError, match=r"was given a mask of shape \(9,\) for an input of shape \(4, 3\)"):
        layer(np.ones((4, 3), np.float32), mask=np.ones(9, bool))


def test_a_mask_of_the_first_axes_is_taken():
    x, mask = np.ones((4, 3, 2), np.float32), np.ones((4, 3), bool)
    np.testing.assert_allclose(pw.layers.LayerNormalization()(x, mask=mask), np.zeros_like(x))

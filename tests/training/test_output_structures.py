"""Losses, metrics, labels and weights are matched with the outputs as these are nested: by key or by place."""

import numpy as np
import pytest
from phasewise.warning import StructureWarning

import phasewise as pw
from phasewise.layers import Dense

X = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
Y = X[:, :1]
SUM = X.sum(1, keepdims=True)  # what every output says


def says_the_sum(name):
    return Dense(1, kernel_initializer="ones", name=name)


def model(nest, **compiled):
    """Outputs p, q and r, each the sum of the inputs, nested as `nest(p, q, r)` says."""
    x = pw.Input((3,))
    net = pw.Model(x, nest(*(says_the_sum(name)(x) for name in "pqr")))
    net.compile("sgd", **compiled)
    return net


def logs(net, y, **given):
    return net.evaluate(X, y, verbose=0, return_dict=True, **given)


def squared(y):
    return np.mean((SUM - y) ** 2)


def absolute(y):
    return np.mean(np.abs(SUM - y))


def test_lists_for_one_output_each_may_be_nested_as_the_outputs_are():
    net = model(lambda p, q, r: [p, q], loss=[["mse"], ["mae"]], metrics=[["mae"], ["mse"]], loss_weights=[1, 10])
    found = logs(net, [Y, 2 * Y])
    assert list(found) == ["loss", "p_loss", "q_loss", "p_mae", "q_mse"]
    wanted = [squared(Y) + 10 * absolute(2 * Y), squared(Y), absolute(2 * Y), absolute(Y), squared(2 * Y)]
    np.testing.assert_allclose(list(found.values()), wanted, rtol=1e-5)


def test_a_dict_of_outputs_goes_by_its_keys_in_any_order():
    given = {
        "loss": {"a": ["mse"], "z": "mae"},
        "loss_weights": {"a": 10, "z": 1},
        "metrics": {"a": ["mae"], "z": "mse"},
    }
    found = logs(model(lambda p, q, r: {"z": p, "a": q}, **given), {"z": Y, "a": 2 * Y})
    np.testing.assert_allclose(found["loss"], absolute(Y) + 10 * squared(2 * Y), rtol=1e-5)
    np.testing.assert_allclose([found["a_loss"], found["z_loss"]], [squared(2 * Y), absolute(Y)], rtol=1e-5)
    np.testing.assert_allclose([found["a_mae"], found["z_mse"]], [absolute(2 * Y), squared(Y)], rtol=1e-5)


def test_a_nest_of_outputs_takes_a_nest_of_everything():
    net = model(
        lambda p, q, r: {"b": [p, q], "a": {"inner": r}},
        loss={"b": ["mse", "mae"], "a": {"inner": "mse"}},
        loss_weights={"b": [1, 10], "a": {"inner": 100}},
        metrics={"b": [["mae"], ["mse"]]},
    )
    y = {"a": {"inner": 3 * Y}, "b": [Y, 2 * Y]}
    found = logs(net, y)
    assert list(found) == ["loss", "a/inner_loss", "b/p_loss", "b/q_loss", "b/p_mae", "b/q_mse"]
    np.testing.assert_allclose(found["loss"], squared(Y) + 10 * absolute(2 * Y) + 100 * squared(3 * Y), rtol=1e-5)
    weights = {"b": [np.arange(8.0), np.ones(8)], "a": {"inner": np.ones(8)}}
    weighted = logs(net, y, sample_weight=weights)["b/p_loss"]
    np.testing.assert_allclose(weighted, np.mean(np.arange(8.0)[:, None] * (SUM - Y) ** 2), rtol=1e-5)


def test_the_same_tensor_as_three_outputs_has_three_losses():
    net = model(lambda p, q, r: [p, p, p], loss="mse", metrics=[["mae"], ["mae"], ["mae"]])
    found = logs(net, [Y, 2 * Y, 3 * Y])
    assert list(found) == ["loss", "p_loss", "p_1_loss", "p_2_loss", "p_1_mae", "p_2_mae", "p_mae"]
    np.testing.assert_allclose(found["loss"], squared(Y) + squared(2 * Y) + squared(3 * Y), rtol=1e-5)
    np.testing.assert_allclose([found["p_1_loss"], found["p_2_mae"]], [squared(2 * Y), absolute(3 * Y)], rtol=1e-5)


def test_outputs_without_a_loss_need_no_labels():
    net = model(lambda p, q, r: [p, q, r], loss=[None, "mse", None])
    for y in (2 * Y, [2 * Y], [Y, 2 * Y, Y], {"q": 2 * Y}):
        np.testing.assert_allclose(logs(net, y)["loss"], squared(2 * Y), rtol=1e-5)


def test_one_loss_and_one_weight_stand_for_all_outputs():
    net = model(lambda p, q, r: {"b": [p, q], "a": r}, loss="mse")
    found = logs(net, {"b": [Y, Y], "a": Y}, sample_weight=np.full(8, 2.0))
    np.testing.assert_allclose(found["loss"], 6 * squared(Y), rtol=1e-5)


def test_a_config_of_a_loss_or_metric_is_one_item():
    config = {"class_name": "MeanSquaredError", "config": {}}
    found = logs(model(lambda p, q, r: p, loss=config, metrics=[config]), Y)
    np.testing.assert_allclose([found["loss"], found["mean_squared_error"]], [squared(Y)] * 2, rtol=1e-5)


KEYS = r"must be a dict with the keys \['a', 'z'\], as the model's outputs are; got a list of 2"


@pytest.mark.parametrize(
    ("given", "y", "message"),
    [
        ({"loss": ["mse", "mae"]}, {"z": Y, "a": Y}, f"`loss` {KEYS}"),
        ({"loss": "mse", "loss_weights": [1, 2]}, {"z": Y, "a": Y}, f"`loss_weights` {KEYS}"),
        ({"loss": "mse", "metrics": ["mse", "mae"]}, {"z": Y, "a": Y}, f"`metrics` {KEYS}"),
        ({"loss": "mse", "weighted_metrics": [["mse"], []]}, {"z": Y, "a": Y}, f"`weighted_metrics` {KEYS}"),
        ({"loss": "mse"}, [Y, Y], f"The labels {KEYS}"),
        ({"loss": "mse"}, {"z": Y}, "the output 'a' is missing"),
        (
            {"loss": {"aa": "mse"}},
            {"z": Y, "a": Y},
            "`loss` names the output 'aa', which the model lacks. Did you mean 'a'",
        ),
        ({"loss": "mse", "metrics": {"b": ["mse"]}}, {"z": Y, "a": Y}, "`metrics` names the output 'b'"),
        (
            {"loss": {"a": ["mse", "mae"]}},
            {"z": Y, "a": Y},
            "`loss` has 2 items and the model 1 output, .'a'.: give one",
        ),
    ],
)
def test_a_list_for_a_dict_of_outputs_is_refused_with_their_keys(given, y, message):
    with pytest.raises(ValueError, match=message):
        logs(model(lambda p, q, r: {"z": p, "a": q}, **given), y)


def test_sample_weights_are_matched_as_strictly():
    net = model(lambda p, q, r: {"z": p, "a": q}, loss="mse")
    for weights, message in ([X[:, 0], X[:, 0]], KEYS), ({"b": X[:, 0]}, "`sample_weight` names the output 'b'"):
        with pytest.raises(ValueError, match=message):
            logs(net, {"z": Y, "a": Y}, sample_weight=weights)


def test_labels_for_no_output_are_left_out_with_a_warning():
    net = model(lambda p, q, r: {"z": p, "a": q}, loss="mse")
    with pytest.warns(
        StructureWarning, match=r"The labels have the keys \['c'\], which are none of .*outputs \['a', 'z'\]"
    ):
        logs(net, {"z": Y, "a": Y, "c": Y})


def test_labels_that_are_too_many_are_refused():
    net = model(lambda p, q, r: [p, q], loss="mse")
    with pytest.raises(
        ValueError, match=r"The labels have 3 items and the model 2 outputs, \['p', 'q'\]: give one for each"
    ):
        logs(net, [Y, Y, Y])

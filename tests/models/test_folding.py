"""fold: the copy predicts what the model predicts, to rounding, and says what became of each batch normalization."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from phasewise import layers
from phasewise.layers import BatchNormalization, Dense

RNG = np.random.default_rng(0)


def trained(model, seed=0, far=1.0):
    """`model` with weights and statistics as training might leave them, means up to `far` deviations from zero."""
    rng = np.random.default_rng(seed)
    for layer in model.all_layers():
        for variable in layer._own_variables:
            kind, shape = variable.name, variable.shape
            if "variance" in kind or "stddev" in kind:
                value = rng.uniform(0.3, 2, shape)
            elif kind == "moving_mean":
                value = rng.uniform(-far, far, shape)
            elif kind == "gamma":
                value = rng.choice([-1, 1], shape) * rng.uniform(0.3, 1.5, shape)
            elif kind == "kernel":
                value = rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))  # outputs of order one
            else:
                value = rng.normal(size=shape)
            variable.assign(value.astype("float32"))
    return model


def difference(model, x):
    """How far the copy's predictions are from the model's, at most, where something was folded."""
    folding = pw.fold(model)
    assert len(folding) + len(folding.left) == sum(isinstance(each, BatchNormalization) for each in model.all_layers())
    wanted, found = (each.predict(x, verbose=0) for each in (model, folding.model))
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    return np.abs(wanted - found).max(), folding


def rows(*shape):
    return RNG.normal(size=(6, *shape)).astype("float32")


# -- where it is exact


def test_before_a_dense_layer_through_dropout_and_after_one_without_activation():
    chain = [BatchNormalization(name="pixels"), Dense(5, activation="relu", name="hidden")]
    chain += [BatchNormalization(name="features"), layers.Dropout(0.3), Dense(4, name="logits")]
    model = trained(pw.Sequential([pw.Input((7,)), *chain, BatchNormalization(name="last"), layers.Softmax()]))
    error, folding = difference(model, rows(7))
    assert error < 1e-5
    assert [(row.layer, row.place, row.into) for row in folding] == [
        ("pixels", "before", ("hidden",)),
        ("features", "before", ("logits",)),
        ("last", "after", ("logits",)),
    ]
    assert not any(isinstance(layer, BatchNormalization) for layer in folding.model.layers)
    assert folding.model.predict(rows(7), verbose=0).sum(1) == pytest.approx(1, abs=1e-5)


OPTIONS = [
    {"center": False},
    {"scale": False},
    {"center": False, "scale": False},
    {"renorm": True},
    {"virtual_batch_size": 2},
    {"epsilon": 0.3},
    {"trainable": False},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.extensive
def test_whatever_the_layers_were_made_with(options, use_bias):
    chain = [Dense(4, use_bias=use_bias), BatchNormalization(**options), layers.ReLU()]
    chain += [BatchNormalization(**options), Dense(3, use_bias=use_bias, activation="tanh")]
    error, folding = difference(trained(pw.Sequential([pw.Input((5,)), *chain])), rows(5))
    assert error < 1e-5 and [row.place for row in folding] == ["after", "before"]


def test_two_in_a_row_go_into_one_layer():
    for chain in (
        [Dense(4), BatchNormalization(), BatchNormalization()],
        [BatchNormalization(), BatchNormalization(), Dense(4)],
    ):
        error, folding = difference(trained(pw.Sequential([pw.Input((5,)), *chain])), rows(5))
        assert error < 1e-5 and len(folding) == 2


PASSED = [
    [layers.Activation("linear")],
    [layers.Identity(), layers.Dropout(0.5), layers.GaussianNoise(1.0), layers.GaussianDropout(0.2)],
    [layers.AlphaDropout(0.2), layers.SpatialDropout1D(0.2)],
    [layers.Reshape((2, 3, 4)), layers.Permute((2, 1, 3))],
]


@pytest.mark.parametrize("between", PASSED, ids=lambda chain: "+".join(layer.name for layer in chain))
def test_through_what_passes_or_moves_its_input(between):
    def again():
        return [type(layer).from_config({**layer.get_config(), "name": None}) for layer in between]

    chain = [Dense(4), *again(), BatchNormalization(), layers.ReLU(), BatchNormalization(), *again(), Dense(2)]
    error, folding = difference(trained(pw.Sequential([pw.Input((6, 5)), *chain])), rows(6, 5))
    assert error < 1e-5 and [row.place for row in folding] == ["after", "before"]


def test_channels_are_followed_through_permute_flatten_and_repeat():
    x = pw.Input((4, 6))
    h = layers.Permute((2, 1))(Dense(5)(x))
    h = layers.ReLU()(BatchNormalization(axis=1, name="first")(h))
    h = layers.Flatten()(BatchNormalization(axis=1, name="second")(h))
    h = layers.ReLU()(Dense(3)(h))
    h = layers.RepeatVector(2)(BatchNormalization(name="third")(h))
    error, folding = difference(trained(pw.Model(x, Dense(2)(h))), rows(4, 6))
    assert error < 1e-5
    assert [(row.layer, row.place) for row in folding] == [
        ("first", "after"),
        ("second", "before"),
        ("third", "before"),
    ]


def test_a_reshape_that_mixes_channels_is_left_alone():
    x = pw.Input((4, 6))
    h = layers.Flatten()(Dense(5)(x))
    h = layers.Reshape((5, 4))(BatchNormalization(name="every_entry")(h))
    model = trained(pw.Model(x, Dense(2)(BatchNormalization(name="last")(h))))
    error, folding = difference(model, rows(4, 6))
    assert error < 1e-5 and [row.layer for row in folding] == ["last"]
    assert folding.left["every_entry"].count("its channels lie along another axis") == 2


def test_images_of_unknown_size_fold_along_the_last_axis():
    x = pw.Input((None, None, 3))
    h = layers.ReLU()(BatchNormalization()(Dense(4)(x)))
    model = trained(pw.Model(x, Dense(2)(layers.Permute((2, 1, 3))(BatchNormalization()(h)))))
    error, folding = difference(model, rows(3, 2, 3))
    assert len(folding) == 1 and "rows of unknown size" in str(folding.left)
    assert error < 1e-5


# -- shared layers, branches, models in models


def test_a_shared_pair_folds_where_all_its_calls_agree():
    dense, norm = Dense(4), BatchNormalization(name="shared")
    a, b = pw.Input((5,)), pw.Input((5,))
    model = trained(pw.Model([a, b], layers.Concatenate()([norm(dense(a)), norm(dense(b))])))
    folding = pw.fold(model)
    x = [rows(5), rows(5)]
    assert np.abs(model.predict(x, verbose=0) - folding.model.predict(x, verbose=0)).max() < 1e-5
    assert folding["shared"].into == (dense.name,)


def test_a_layer_that_is_called_elsewhere_too_is_left_alone():
    dense = Dense(4, name="shared")
    a = pw.Input((5,))
    folded = layers.ReLU()(BatchNormalization(name="other")(Dense(4)(a)))
    model = trained(
        pw.Model(a, layers.Add()([BatchNormalization(name="one")(dense(a)), layers.ReLU()(dense(a)), folded]))
    )
    error, folding = difference(model, rows(5))
    assert error < 1e-5 and [row.layer for row in folding] == ["other"]
    assert "'shared' (Dense) is called elsewhere, too" in folding.left["one"]


def test_one_that_goes_to_several_dense_layers_goes_into_all_of_them():
    x = pw.Input((5,))
    h = BatchNormalization(name="stem")(layers.ReLU()(x))
    model = trained(pw.Model(x, layers.Add()([Dense(3, name="left")(h), Dense(3, name="right", activation="tanh")(h)])))
    error, folding = difference(model, rows(5))
    assert error < 1e-5 and set(folding["stem"].into) == {"left", "right"}


@pytest.mark.parametrize("built_first", [True, False])
def test_models_in_models_fold_across_their_borders(built_first):
    backbone = pw.Sequential(
        [*[pw.Input((5,))] * built_first, Dense(4), BatchNormalization(), layers.ReLU()], name="backbone"
    )
    backbone.add(BatchNormalization(name="end"))
    model = pw.Sequential([*[pw.Input((5,))] * built_first, backbone, Dense(3, name="head")])
    model(rows(5))
    error, folding = difference(trained(model), rows(5))
    assert error < 1e-5 and folding["end"].into == ("head",)
    assert [layer.name for layer in folding.model.get_layer("backbone").layers if layer.variables] == ["dense"]


def test_a_model_called_twice_is_folded_once():
    inner = pw.Sequential([pw.Input((5,)), Dense(5), BatchNormalization(), layers.ReLU()])
    x = pw.Input((5,))
    error, folding = difference(trained(pw.Model(x, inner(inner(x)))), rows(5))
    assert error < 1e-5 and len(folding) == 1


def test_layers_of_one_name_in_different_models_are_kept_apart():
    def block(name, activation):
        chain = [Dense(4, activation=activation), BatchNormalization(name="bn"), layers.ReLU()]
        return pw.Sequential([pw.Input((4,)), *chain], name=name)

    model = pw.Sequential(
        [pw.Input((4,)), block("a", None), block("b", "tanh"), block("c", "tanh"), Dense(4), block("d", None)]
    )
    error, folding = difference(trained(model), rows(4))
    assert error < 1e-5 and len(folding) == 2
    assert list(folding.left) == ["bn", "bn (2)"]


class Block(pw.Layer):
    """A user's layer, which fold cannot look into."""

    def __init__(self, dense=None, **kwargs):
        super().__init__(**kwargs)
        self.norm = BatchNormalization(name="inside")
        self.dense = dense if dense is not None else Dense(4)

    def call(self, x):
        return self.norm(self.dense(x))


def test_a_layer_with_a_call_of_its_own_is_copied_as_it_is():
    x = pw.Input((5,))
    model = trained(pw.Model(x, Dense(3)(BatchNormalization(name="outside")(Block()(x)))))
    error, folding = difference(model, rows(5))
    assert error < 1e-5 and folding["outside"].place == "before"
    assert folding.left == {"inside": "it is called inside a layer that fold cannot look into"}


def test_a_dense_layer_that_such_a_layer_calls_as_well_is_left_alone():
    dense = Dense(4, name="both")
    x = pw.Input((5,))
    h = layers.Add()([BatchNormalization(name="outside")(dense(x)), Block(dense)(x)])
    model = trained(pw.Model(x, Dense(2)(BatchNormalization(name="last")(layers.ReLU()(h)))))
    error, folding = difference(model, rows(5))
    assert error < 1e-5 and "'both' (Dense) is called elsewhere, too" in folding.left["outside"]


def test_tied_kernels_are_left_alone():
    first, second = Dense(5, name="first"), Dense(5, name="second")
    x = pw.Input((5,))
    h = layers.ReLU()(BatchNormalization(name="a")(first(x)))
    h = layers.ReLU()(second(h))
    model = pw.Model(x, Dense(2)(BatchNormalization(name="b")(h)))
    second.kernel = first.kernel
    error, folding = difference(trained(model), rows(5))
    assert error < 1e-5 and "'first' (Dense) shares a weight with another layer" in folding.left["a"]


def test_what_a_regularizer_of_activity_sees_stays_what_it_is():
    chain = [Dense(4), layers.ActivityRegularization(l2=0.1), BatchNormalization(name="seen"), layers.ReLU()]
    chain += [BatchNormalization(name="free"), Dense(2)]
    model = trained(pw.Sequential([pw.Input((5,)), *chain]))
    folding = pw.fold(model)
    assert [row.layer for row in folding] == ["free"]
    x, y = rows(5), rows(2)
    losses = []
    for each in (model, folding.model):
        each.compile(loss="mse")
        losses.append(each.evaluate(x, y, verbose=0))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_half_precision_is_left_alone():
    chain = [Dense(4, dtype="mixed_bfloat16"), BatchNormalization(name="half", dtype="mixed_bfloat16"), layers.ReLU()]
    chain += [BatchNormalization(name="single"), Dense(2)]
    folding = pw.fold(trained(pw.Sequential([pw.Input((5,)), *chain])))
    assert [row.layer for row in folding] == ["single"]
    assert folding.left == {"half": "it computes in bfloat16"}


def test_integers_are_normalized_before_they_are_multiplied():
    x = pw.Input((3,), dtype="int32")
    model = trained(pw.Model(x, Dense(2)(BatchNormalization()(x))))
    error, _ = difference(model, RNG.integers(-3, 3, (6, 3)).astype("int32"))
    assert error < 1e-5


def test_inputs_and_outputs_keep_their_structure():
    x = {"a": pw.Input((3,), name="a"), "b": pw.Input((3,), name="b")}
    h = BatchNormalization()(Dense(3)(x["a"]))
    model = trained(pw.Model(x, {"sum": layers.Add()([h, x["b"]]), "h": layers.ReLU()(h)}))
    data = {"a": rows(3), "b": rows(3)}
    wanted, found = model.predict(data, verbose=0), pw.fold(model).model.predict(data, verbose=0)
    assert all(np.abs(wanted[name] - found[name]).max() < 1e-5 for name in ("sum", "h"))


# -- digits


def float64_prediction(chain, x):
    """A chain of Dense, BatchNormalization and ReLU in inference, in float64."""
    y = x.astype(np.float64)
    for layer in chain:
        w = [value.astype(np.float64) for value in layer.get_weights()]
        if isinstance(layer, Dense):
            y = y @ w[0] + w[1]
        elif isinstance(layer, BatchNormalization):
            y = (y - w[2]) / np.sqrt(w[3] + layer.epsilon) * w[0] + w[1]
        else:
            y = np.maximum(y, 0)
    return y


CHAINS = st.lists(st.sampled_from(["dense", "norm", "relu"]), min_size=1, max_size=3)


@pytest.mark.filterwarnings("ignore::phasewise.warning.InitialStatisticsWarning")
@settings(max_examples=8, deadline=None)
@given(CHAINS, st.sampled_from([0, 10, 1e3]), st.integers(0, 99))
@pytest.mark.extensive
def test_random_models_far_from_zero_are_right_to_1e_5_of_float64(kinds, ratio, seed):
    make = {"dense": lambda: Dense(5), "norm": BatchNormalization, "relu": layers.ReLU}
    chain = [BatchNormalization(), Dense(5), *(make[kind]() for kind in kinds), Dense(5)]
    model = trained(pw.Sequential([pw.Input((6,)), *chain]), seed)
    rng = np.random.default_rng(seed)
    mean = ratio * rng.uniform(0.5, 1, 6)
    chain[0].moving_mean.assign(mean.astype("float32"))
    chain[0].moving_variance.assign(np.ones(6, "float32"))
    x = (rng.normal(size=(8, 6)) + mean).astype("float32")
    folding = pw.fold(model)
    wanted = float64_prediction(chain, x)
    size = max(1, np.abs(wanted).max())
    assert np.abs(folding.model.predict(x, verbose=0) - wanted).max() < 1e-5 * size
    assert np.abs(folding.model.predict(x, verbose=0) - model.predict(x, verbose=0)).max() < 1e-5 * size
    assert folding[0].centred == (ratio > 4)


def test_a_large_bias_that_normalization_takes_off_again_costs_the_copy_no_digits():
    chain = [Dense(5), BatchNormalization(), layers.ReLU()]
    model = trained(pw.Sequential([pw.Input((6,)), *chain]))
    chain[0].bias.assign(np.full(5, 1e3, "float32"))
    chain[1].moving_mean.assign(np.full(5, 1e3, "float32"))
    x = rows(6)
    wanted = float64_prediction(chain, x)
    error, folded_error = (np.abs(each.predict(x, verbose=0) - wanted).max() for each in (model, pw.fold(model).model))
    assert folded_error < 1e-5 and folded_error < error


# -- the copy


@pytest.fixture(scope="module")
def model():
    chain = [Dense(4, name="hidden"), BatchNormalization(name="bn"), layers.Dropout(0.5, name="drop")]
    model = trained(pw.Sequential([pw.Input((5,)), *chain, Dense(1)], name="net"))
    model.compile(loss="mse", optimizer="sgd")
    return model


@pytest.fixture(scope="module")
def folding(model):
    return pw.fold(model)


def test_the_model_is_not_changed_and_the_copy_shares_nothing_with_it(model):
    before, x = model.get_weights(), rows(5)
    copy = pw.fold(model).model
    predicted = copy.predict(x, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    assert model.get_layer("hidden").output is model.get_layer("bn").input
    assert copy.get_layer("hidden").output is copy.get_layer("drop").input
    other = pw.fold(model).model
    other.set_weights([np.zeros_like(w) for w in other.get_weights()])
    model.fit(x, rows(1), verbose=0)
    assert np.array_equal(copy.predict(x, verbose=0), predicted)
    assert np.abs(copy(x) - predicted).max() == 0
    model.set_weights(before)


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_the_copy_refuses_to_be_trained(folding, method):
    with pytest.raises(
        RuntimeError, match=r"'net' is an inference-only copy.*cannot be fitted\. Fit the model that it was"
    ):
        getattr(folding.model, method)(rows(5), rows(1))


def test_the_copy_refuses_calls_in_training(folding):
    with pytest.raises(RuntimeError, match=r"cannot be called in training \(pinned at its call\)"):
        folding.model(rows(5), training=True)
    with pw.learning_phase_scope("training"), pytest.raises(RuntimeError, match=r"training \(learning phase\)"):
        folding.model.predict(rows(5), verbose=0)


def test_the_copy_refuses_other_statistics_for_what_was_folded(folding):
    with pytest.raises(ValueError, match="'bn' cannot normalize with statistics='batch'"):
        folding.model.predict(rows(5), statistics="batch", verbose=0)
    with (
        pw.statistics(pw.blend(4)),
        pytest.raises(ValueError, match=r"'bn' cannot normalize with statistics='blend\(4\)'"),
    ):
        folding.model(rows(5))


def test_the_copy_stays_in_inference_inside_a_model_that_is_trained(folding):
    outer = pw.Sequential([pw.Input((5,)), folding.model, Dense(1)])
    outer.compile(loss="mse", optimizer="sgd")
    before = folding.model.get_weights()
    outer.fit(rows(5), rows(1), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, folding.model.get_weights()))
    assert outer.explain(print_fn=False)["drop"].fit.phase == "inference"


def test_rows_can_be_found_printed_and_written_as_json(folding):
    assert folding.to_dict() == [{"layer": "bn", "into": ["hidden"], "place": "after", "centred": False}]
    assert "bn" in str(folding) and "after hidden" in str(folding)
    with pytest.raises(KeyError, match="No layer called 'bm' was folded; these were"):
        folding["bm"]


# -- what cannot be folded


def test_a_model_without_weights_without_normalization_or_with_a_call_of_its_own_is_refused():
    with pytest.raises(ValueError, match="'early' is not built: it has no weights to fold into"):
        pw.fold(pw.Sequential([Dense(2), BatchNormalization()], name="early"))
    with pytest.raises(ValueError, match="'plain' has no batch normalization to fold"):
        pw.fold(pw.Sequential([pw.Input((2,)), Dense(2)], name="plain"))
    with pytest.raises(TypeError, match="fold takes a model; got 3"):
        pw.fold(3)

    class Own(pw.Model):
        def __init__(self):
            super().__init__(name="own")
            self.norm = BatchNormalization()

        def call(self, x):
            return self.norm(x)

    own = Own()
    own(rows(2))
    with pytest.raises(ValueError, match=r"'own' \(Own\) computes in a `call` of its own"):
        pw.fold(own)


def test_an_only_candidate_that_is_followed_by_a_branch_is_told():
    x = pw.Input((5,))
    h = Dense(5, name="hidden")(x)
    model = pw.Model(
        x, layers.Add(name="sum")([BatchNormalization(name="bn")(h), layers.ReLU(name="relu")(h)]), name="net"
    )
    with pytest.raises(ValueError, match=r"No batch normalization of 'net' can be folded") as caught:
        pw.fold(model)
    assert "- bn: before it, 'hidden' (Dense) is followed by a branch: its output goes to 'bn' and 'relu'" in str(
        caught.value
    )
    assert "after it, 'sum' (Add) lies between" in str(caught.value)
    h = BatchNormalization(name="bn")(layers.ReLU()(x))
    model = pw.Model(x, layers.Add(name="sum")([Dense(5, name="dense")(h), h]))
    with pytest.raises(
        ValueError, match=r"'bn' \(BatchNormalization\) is followed by a branch: its output goes to 'dense' and 'sum'"
    ):
        pw.fold(model)


def test_layers_pinned_to_training_are_refused_by_name(model):
    x = pw.Input((5,))
    pinned = pw.Model(x, Dense(2)(BatchNormalization(name="bn")(x, training=True)))
    with pytest.raises(
        ValueError, match=r"'bn' \(BatchNormalization\) is in training in predict, too \(pinned at its call\)"
    ):
        pw.fold(pinned)
    drops = pw.Model(x, Dense(2)(layers.Dropout(0.5, name="mc")(BatchNormalization()(x), training=True)))
    with pytest.raises(ValueError, match=r"'mc' \(Dropout\) is in training in predict, too"):
        pw.fold(drops)
    with pw.learning_phase_scope("training"), pytest.raises(ValueError, match=r"'bn' .* \(learning phase\)"):
        pw.fold(model)


@pytest.mark.parametrize("policy", ["batch", {"bn": "blend(8)"}], ids=str)
def test_statistics_other_than_moving_are_refused_by_name(model, policy):
    with (
        pw.statistics(policy),
        pytest.raises(ValueError, match=r"'bn' \(BatchNormalization\) normalizes with (batch|blend\(8\)) st"),
    ):
        pw.fold(model)


def test_weights_that_would_not_be_finite_are_left_alone():
    chain = [Dense(4), BatchNormalization(name="flat", epsilon=0), layers.ReLU(), BatchNormalization(), Dense(2)]
    model = trained(pw.Sequential([pw.Input((5,)), *chain]))
    model.get_layer("flat").moving_variance.assign(np.zeros(4))
    assert "not finite" in pw.fold(model).left["flat"]

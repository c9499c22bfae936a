"""Mistakes: what a person reads when the data, the model or an argument is wrong, before any work is lost."""

import linecache
import warnings

import numpy as np
import pytest
from phasewise.warning import DataEndedWarning, NonFiniteWarning, SmallBatchWarning

import phasewise as pw
from phasewise.layers import Add, BatchNormalization, Dense, Dropout

X = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
Y = (X[:, :1] > 0).astype(int)
CLASSES = np.arange(64) % 3
ONE_HOT = np.eye(3)[CLASSES]
SPARSE, CATEGORICAL = "sparse_categorical_crossentropy", "categorical_crossentropy"
FOCAL = "categorical_focal_crossentropy"


def model(units=1, loss="binary_crossentropy", metrics=("accuracy",)):
    """A classifier whose layers are called in, bn and head."""
    x = pw.Input((4,), name="in")
    activation = "sigmoid" if units == 1 else "softmax"
    net = pw.Model(x, Dense(units, activation=activation, name="head")(BatchNormalization(name="bn")(x)), name="net")
    net.compile("sgd", loss, metrics=list(metrics) if isinstance(metrics, tuple) else metrics)
    return net


def uncompiled():
    x = pw.Input((4,))
    return pw.Model(x, Dense(1)(x), name="net")


def endless():
    return pw.Dataset.from_tensor_slices((X, Y)).repeat().batch(4)


def batches(x, y, size=8):
    """A generator of (x, y)."""
    for start in range(0, len(x), size):
        yield x[start : start + size], y[start : start + size]


def with_entry(array, place, value):
    changed = np.array(array)
    changed[place] = value
    return changed


def text_of(call, error):
    """The message of the error, in which no number looks as NumPy's `repr` has it."""
    with pytest.raises(error) as raised:
        call()
    assert "np." not in str(raised.value)
    return str(raised.value)


def told(category, call):
    """The warnings of this category in `call`, each as its text and the line of source that it points at."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [(str(w.message), linecache.getline(w.filename, w.lineno)) for w in caught if w.category is category]


TRAINING = {
    "features too few": (
        model,
        lambda m: m.fit(X[:, :3], Y, verbose=0),
        ValueError,
        "Input 'in' expects shape (None, 4) (None: any size, the first is the batch); it was given data of shape (None, 3).",
    ),
    "an axis too many": (
        model,
        lambda m: m.fit(np.stack([X, X], -1), Y, verbose=0),
        ValueError,
        "data of shape (None, 4, 2).",
    ),
    "fewer labels than rows": (
        model,
        lambda m: m.fit(X, Y[:3], verbose=0),
        ValueError,
        "x has 64 rows (shape (64, 4)) and y has 3 (shape (3, 1)); they must agree.",
    ),
    "fewer sample weights than rows": (
        model,
        lambda m: m.fit(X, Y, sample_weight=np.ones(3), verbose=0),
        ValueError,
        "x has 64 rows (shape (64, 4)) and sample_weight has 3 (shape (3,)); they must agree.",
    ),
    "labels wider than the output": (
        model,
        lambda m: m.fit(X, np.hstack([Y, Y]), verbose=0),
        ValueError,
        "binary_crossentropy cannot compare labels of shape (32, 2) and output 'head' of shape (32, 1): they must agree.",
    ),
    "regression targets wider than the output": (
        lambda: model(loss="mse"),
        lambda m: m.fit(X, X, verbose=0),
        ValueError,
        "mean_squared_error cannot compare labels of shape (32, 4) and output 'head' of shape (32, 1): they must agree.",
    ),
    "a binary label of 2": (
        model,
        lambda m: m.fit(X, with_entry(Y, 5, 2), verbose=0),
        ValueError,
        "A label of output 'head' is 2 in row 5; binary_crossentropy needs every label to be between 0 and 1. Class "
        "numbers go with sparse_categorical_crossentropy and an output with one unit a class.",
    ),
    "binary labels -1 and 1": (
        model,
        lambda m: m.fit(X, 2 * Y - 1, verbose=0),
        ValueError,
        "binary_crossentropy needs every label to be between 0 and 1. Labels -1 and 1 become 0 and 1 with (y + 1) / 2.",
    ),
    "a binary label of 3, focal": (
        lambda: model(loss="binary_focal_crossentropy"),
        lambda m: m.fit(X, 3 * Y, verbose=0),
        ValueError,
        "binary_focal_crossentropy needs every label to be between 0 and 1.",
    ),
    "a class too high": (
        lambda: model(3, SPARSE),
        lambda m: m.fit(X, with_entry(CLASSES, 40, 3), verbose=0),
        ValueError,
        "A label of output 'head' is 3 in row 40; sparse_categorical_crossentropy needs every label to be in [0, 2], for 3 "
        "classes.",
    ),
    "a negative class": (
        lambda: model(3, SPARSE),
        lambda m: m.fit(X, with_entry(CLASSES, 9, -1), verbose=0),
        ValueError,
        "A label of output 'head' is -1 in row 9; ",
    ),
    "a class that is a fraction": (
        lambda: model(3, SPARSE),
        lambda m: m.fit(X, with_entry(np.float32(CLASSES), 2, 1 / 3), verbose=0),
        ValueError,
        "A label of output 'head' is 0.333333 in row 2; sparse_categorical_crossentropy needs every label to be a whole "
        "number.",
    ),
    "one-hot labels for class numbers": (
        lambda: model(3, SPARSE),
        lambda m: m.fit(X, ONE_HOT, verbose=0),
        ValueError,
        "sparse_categorical_crossentropy takes integer labels, one a row; it got labels of shape (32, 3) and output 'head' of "
        "shape (32, 3). One-hot labels go with categorical_crossentropy.",
    ),
    "class numbers for one-hot labels": (
        lambda: model(3, CATEGORICAL),
        lambda m: m.fit(X, CLASSES, verbose=0),
        ValueError,
        "categorical_crossentropy takes one-hot labels; it got labels of shape (32,) and output 'head' of shape (32, 3). "
        "Integer labels go with sparse_categorical_crossentropy.",
    ),
    "class numbers for one-hot labels, focal": (
        lambda: model(3, FOCAL),
        lambda m: m.fit(X, CLASSES, verbose=0),
        ValueError,
        "categorical_focal_crossentropy takes one-hot labels; it got labels of shape (32,)",
    ),
    "one-hot labels of other classes": (
        lambda: model(3, CATEGORICAL),
        lambda m: m.fit(X, ONE_HOT[:, :2], verbose=0),
        ValueError,
        "got labels of shape (32, 2) and output 'head' of shape (32, 3). They must agree.",
    ),
    "one-hot labels of 2": (
        lambda: model(3, CATEGORICAL),
        lambda m: m.fit(X, 2 * ONE_HOT, verbose=0),
        ValueError,
        "A label of output 'head' is 2 in row 0; categorical_crossentropy needs every label to be between 0 and 1.",
    ),
    "one-hot labels of 2, focal": (
        lambda: model(3, FOCAL),
        lambda m: m.fit(X, 2 * ONE_HOT, verbose=0),
        ValueError,
        "categorical_focal_crossentropy needs every label to be between 0 and 1.",
    ),
    "a bad label in a plan of arrays": (
        lambda: model(3, SPARSE),
        lambda m: m.fit(pw.Dataset.from_tensor_slices((X, with_entry(CLASSES, 61, 7))).batch(8), verbose=0),
        ValueError,
        "A label of output 'head' is 7 in row 61; ",
    ),
    "a bad label in the first batch of a generator": (
        lambda: model(3, SPARSE),
        lambda m: m.fit(batches(X, with_entry(CLASSES, 3, 7)), verbose=0),
        ValueError,
        "A label of output 'head' is 7 in row 3 of batch 0; ",
    ),
    "labels that are strings": (
        model,
        lambda m: m.fit(X, np.array(["yes"] * 64), verbose=0),
        TypeError,
        "y has dtype <U3, but a model takes numbers. Encode strings, dates and objects as numbers first",
    ),
    "features that are strings": (
        model,
        lambda m: m.fit(np.array([["a"] * 4] * 64), Y, verbose=0),
        TypeError,
        "x has dtype <U1, but a model takes numbers.",
    ),
    "features that are objects": (
        model,
        lambda m: m.fit(X.astype(object), Y, verbose=0),
        TypeError,
        "x has dtype object, but a model takes numbers.",
    ),
    "strings from a generator": (
        model,
        lambda m: m.fit(batches(np.array([["a"] * 4] * 8), Y[:8]), verbose=0),
        TypeError,
        "has dtype <U1, but a model takes numbers.",
    ),
    "no rows": (
        model,
        lambda m: m.fit(X[:0], Y[:0], verbose=0),
        ValueError,
        "x is empty: it has shape (0, 4). Give at least one row.",
    ),
    "a plan of no rows": (
        model,
        lambda m: m.fit(pw.Dataset.from_tensor_slices((X, Y)).take(0).batch(4), verbose=0),
        ValueError,
        "`x` holds no data: not a single batch came. Give at least one row.",
    ),
    "a generator of nothing": (
        model,
        lambda m: m.fit((pair for pair in ()), verbose=0),
        ValueError,
        "not a single batch came.",
    ),
    "a plan that is not batched": (
        model,
        lambda m: m.fit(pw.Dataset.from_tensor_slices((X, Y)), verbose=0),
        ValueError,
        "If these are single elements, call .batch(n) on the data set first.",
    ),
    "no labels": (
        model,
        lambda m: m.fit(X, verbose=0),
        ValueError,
        "The model has a loss or metrics, but the data have no labels: `y` is missing.",
    ),
    "no labels to evaluate with": (model, lambda m: m.evaluate(X, verbose=0), ValueError, "`y` is missing."),
    "no data at all": (
        model,
        lambda m: m.fit(object(), Y),
        TypeError,
        "fit cannot read data of type object. Give arrays",
    ),
    "fit without an end": (
        model,
        lambda m: m.fit(endless(), verbose=0),
        ValueError,
        "The data never end (the plan repeats without a count), so `steps_per_epoch` must say how many batches to take.",
    ),
    "validation without an end": (
        model,
        lambda m: m.fit(X, Y, validation_data=endless(), verbose=0),
        ValueError,
        "so `validation_steps` must say how many",
    ),
    "evaluate without an end": (
        model,
        lambda m: m.evaluate(endless(), verbose=0),
        ValueError,
        "so `steps` must say how many batches to take.",
    ),
    "predict without an end": (
        model,
        lambda m: m.predict(endless(), verbose=0),
        ValueError,
        "so `steps` must say how many batches to take.",
    ),
    "fit before compile": (
        uncompiled,
        lambda m: m.fit(X, Y),
        RuntimeError,
        "`fit` needs a compiled model: call model.compile(optimizer=..., loss=...) on 'net' first.",
    ),
    "evaluate before compile": (
        uncompiled,
        lambda m: m.evaluate(X, Y),
        RuntimeError,
        "`evaluate` needs a compiled model: call model.compile(",
    ),
    "fit with nothing to minimize": (
        lambda: model(loss=None, metrics=None),
        lambda m: m.fit(X, Y, verbose=0),
        ValueError,
        "`fit` has nothing to minimize: model.compile(...) of 'net' was given no loss, and no layer adds one. Pass loss=.",
    ),
    "a loss for an unknown output": (
        lambda: model(loss={"hed": "mse"}, metrics=None),
        lambda m: m.fit(X, Y, verbose=0),
        ValueError,
        "`loss` names the output 'hed', which the model lacks. Did you mean 'head'? It has ['head'].",
    ),
    "a metric for an unknown output": (
        lambda: model(metrics={"tail": ["mse"]}),
        lambda m: m.fit(X, Y, verbose=0),
        ValueError,
        "`metrics` names the output 'tail', which the model lacks. It has ['head'].",
    ),
    "two losses for one output": (
        lambda: model(loss=["mse", "mae"], metrics=None),
        lambda m: m.fit(X, Y, verbose=0),
        ValueError,
        "`loss` has 2 items and the model 1 output, ['head']: give one for each, or a dict by name.",
    ),
    "an unknown policy": (
        model,
        lambda m: m.predict(X, statistics="btch"),
        ValueError,
        "Unknown statistics policy 'btch'. Did you mean 'batch'? Give 'moving' (the moving mean and variance), 'batch'",
    ),
    "an unknown policy for a layer": (
        model,
        lambda m: m.evaluate(X, Y, statistics={"bn": "movin"}, verbose=0),
        ValueError,
        "Unknown statistics policy 'movin'. Did you mean 'moving'?",
    ),
    "predict with a policy for no layer": (
        model,
        lambda m: m.predict(X, statistics={"bn_1": "batch"}, verbose=0),
        ValueError,
        "`statistics` names the layer 'bn_1', which is no batch normalization of 'net'. Did you mean 'bn'? It has: bn.",
    ),
    "evaluate with a policy for no layer": (
        model,
        lambda m: m.evaluate(X, Y, statistics={"bn_1": "batch"}, verbose=0),
        ValueError,
        "`statistics` names the layer 'bn_1'",
    ),
    "explain with a policy for a layer of another kind": (
        model,
        lambda m: m.explain(statistics={"head": "batch"}, print_fn=False),
        ValueError,
        "`statistics` names the layer 'head', which is no batch normalization of 'net'. It has: bn.",
    ),
    "epochs below 1": (
        model,
        lambda m: m.fit(X, Y, epochs=-1),
        ValueError,
        "epochs must be a positive integer; got -1.",
    ),
    "batch_size 0": (
        model,
        lambda m: m.fit(X, Y, batch_size=0),
        ValueError,
        "batch_size must be a positive integer; got 0.",
    ),
    "validation_split above 1": (
        model,
        lambda m: m.fit(X, Y, validation_split=1.5),
        ValueError,
        "validation_split is a fraction between 0 and 1; got 1.5.",
    ),
    "a callback that is none": (
        model,
        lambda m: m.fit(X, Y, callbacks=[3]),
        TypeError,
        "callbacks must be a list of phasewise.callbacks.Callback; got 3 of type int.",
    ),
    "an unknown verbosity": (
        model,
        lambda m: m.fit(X, Y, verbose=7),
        ValueError,
        "verbose is 'auto', 0, 1 or 2; got 7.",
    ),
}

BUILDING = {
    "an unknown optimizer": (lambda: uncompiled().compile("sdg"), "Unknown optimizer 'sdg'. Did you mean 'sgd'?"),
    "an unknown loss": (
        lambda: model(loss="binary_crosentropy"),
        "Unknown loss 'binary_crosentropy'. Did you mean 'binary_crossentropy'?",
    ),
    "a loss that is a number": (lambda: model(loss=3), "Could not interpret 3 as loss: give a name, a config dict"),
    "an unknown metric": (lambda: model(metrics=("acuracy",)), "Unknown metric 'acuracy'. Did you mean 'accuracy'?"),
    "metrics in the place of loss_weights": (
        lambda: uncompiled().compile("adam", "mse", ["accuracy"]),
        "compile's third argument is loss_weights, as in Keras: a number for each output; got ['accuracy']. Metrics are given by "
        "name: metrics=['accuracy'].",
    ),
    "one metric in the place of loss_weights": (
        lambda: uncompiled().compile("adam", "mse", "accuracy"),
        "got 'accuracy'. Metrics are given by name: metrics=['accuracy'].",
    ),
    "an unknown activation": (
        lambda: Dense(3, activation="rleu"),
        "Unknown activation 'rleu'. Did you mean 'relu'?",
    ),
    "a graph that does not connect": (
        lambda: pw.Model(a := pw.Input((4,), name="a"), Add()([a, pw.Input((4,), name="b")])),
        "The graph does not connect: an output depends on Input 'b', which is not among the model's inputs ['a']. Add it "
        "to `inputs`.",
    ),
    "one name for two layers": (
        lambda: pw.Model(a := pw.Input((4,)), Dropout(0.5, name="d")(Dense(2, name="d")(a))),
        "Two layers of the model are called 'd': a Dense and a Dropout. Names must differ; pass name= to one of them.",
    ),
    "one name for two layers of a stack": (
        lambda: pw.Sequential([Dense(2, name="d"), Dropout(0.5, name="d")], name="net"),
        "'net' already has a layer called 'd': pass another name=.",
    ),
    "inputs that cannot be joined": (
        lambda: Add(name="sum")([pw.Input((4,)), pw.Input((5,))]),
        "Add 'sum' cannot join inputs of shapes (None, 4), (None, 5): sizes must be equal, or 1.",
    ),
    "an axis beyond the input": (
        lambda: BatchNormalization(axis=5, name="bn")(X),
        "BatchNormalization 'bn' has axis=5, which is no axis of an input with 2 axes other than the batch axis: give 1, or "
        "-1 for the last.",
    ),
    "the batch axis": (
        lambda: BatchNormalization(axis=0, name="bn")(X[..., None]),
        "BatchNormalization 'bn' has axis=0, which is no axis of an input with 3 axes other than the batch axis: give 1 to "
        "2, or -1 for the last.",
    ),
    "momentum above 1": (
        lambda: BatchNormalization(momentum=2),
        "BatchNormalization's momentum must be a number at least 0 and at most 1; got 2.",
    ),
    "negative epsilon": (
        lambda: BatchNormalization(epsilon=-1),
        "BatchNormalization's epsilon must be a number at least 0; got -1.",
    ),
    "a rate above 1": (lambda: Dropout(1.5), "Dropout's rate is the fraction to drop, in [0, 1]; got 1.5."),
    "no units": (lambda: Dense(0), "Dense's units must be a positive integer; got 0."),
}


@pytest.mark.parametrize("mistake", TRAINING)
def test_a_mistake_is_explained_and_the_weights_are_as_before(mistake):
    make, call, error, text = TRAINING[mistake]
    net = make()
    before = net.get_weights()
    assert text in text_of(lambda: call(net), error)
    for old, new in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("mistake", BUILDING)
def test_a_mistake_in_the_model_is_explained_where_it_is_made(mistake):
    call, text = BUILDING[mistake]
    assert text in text_of(call, ValueError)


def test_a_layer_that_has_seen_other_shapes_names_itself_and_both():
    net = pw.Sequential([Dense(3, name="first")])
    net.compile("sgd", "mse")
    net.build((None, 4))
    text = text_of(lambda: net.fit(X[:, :2], CLASSES, verbose=0), ValueError)
    assert "Layer 'first' (Dense) expects an input of size 4 on axis -1; got an input of shape (32, 2)." in text


@pytest.mark.filterwarnings("ignore::phasewise.warning.LaggingStatisticsWarning")  # so few steps
def test_a_bad_label_in_a_later_batch_of_a_generator_names_the_batch_and_training_can_go_on():
    net = model(3, SPARSE)
    text = text_of(lambda: net.fit(batches(X, with_entry(CLASSES, 44, 3)), verbose=0), ValueError)
    assert "A label of output 'head' is 3 in row 4 of batch 5; " in text
    history = net.fit(batches(X, CLASSES), verbose=0)
    assert np.isfinite(history.history["loss"]).all()


NAN = with_entry(X, (43, 2), np.nan)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (lambda: (NAN, Y), "x holds nan in row 43, position 2 (the only such entry)"),
        (lambda: (pw.Dataset.from_tensor_slices((NAN, Y)).batch(8),), "x holds nan in row 43, position 2"),
        (lambda: (batches(NAN, Y),), "x holds nan in row 3 of batch 5, position 2"),
        (lambda: (with_entry(NAN, 50, np.inf), Y), "x holds nan in row 43, position 2 (one of 5 such entries)"),
        (lambda: (X, with_entry(np.float32(Y), 4, np.nan)), "y holds nan in row 4, position 0"),
    ],
    ids=["arrays", "plan", "generator", "many entries", "labels"],
)
def test_nan_in_the_data_is_told_once_with_its_place(data, place):
    net = model()
    ((text, line),) = told(NonFiniteWarning, lambda: net.evaluate(*data(), verbose=0))
    assert text.startswith(place)
    assert "Clean the data, or leave those rows out." in text
    assert "net.evaluate(" in line


def test_nan_in_an_image_is_told_with_its_whole_position():
    x = pw.Input((2, 3, 1))
    net = pw.Model(x, Dropout(0.5)(x))
    ((text, _),) = told(
        NonFiniteWarning, lambda: net.predict(with_entry(np.zeros((4, 2, 3, 1)), (2, 1, 2, 0), -np.inf))
    )
    assert text.startswith("x holds -inf in row 2, position (1, 2, 0) (the only such entry)")


@pytest.mark.parametrize(
    ("fit", "beginning", "effect"),
    [
        (
            lambda net: net.fit(X[:5], Y[:5], batch_size=1, verbose=0, epochs=2),
            "Batch normalization ('bn') trains on a batch of 1 row: its statistics come from 1 value a channel,",
            "the variance of one value is 0, so that the output is the same for every input.",
        ),
        (
            lambda net: net.fit(X[:6], Y[:6], batch_size=2, verbose=0),
            "Batch normalization ('bn') trains on a batch of 2 rows: its statistics come from 2 values a channel,",
            "of two values one always becomes -1 and the other 1.",
        ),
        (
            lambda net: net.fit(X[:33], Y[:33], verbose=0, epochs=2),
            "Batch normalization ('bn') trains on a batch of 1",
            "",
        ),
        (
            lambda net: net.fit(batches(X[:9], Y[:9]), verbose=0),
            "Batch normalization ('bn') trains on a batch of 1",
            "",
        ),
        (lambda net: net.train_on_batch(X[:1], Y[:1]), "Batch normalization ('bn') trains on a batch of 1 row", ""),
    ],
    ids=["one row", "two rows", "short last batch", "short last batch of a generator", "train_on_batch"],
)
def test_batch_statistics_of_one_or_two_rows_are_told_once_with_a_remedy(fit, beginning, effect):
    net = model()
    ((text, line),) = told(SmallBatchWarning, lambda: fit(net))
    assert text.startswith(beginning)
    assert effect in text
    assert "drop_remainder=True" in text
    assert "net.fit(" in line or "net.train_on_batch(" in line


def test_small_batches_are_not_told_where_they_do_no_harm():
    net = model()
    net.get_layer("bn").trainable = False
    assert not told(SmallBatchWarning, lambda: net.fit(X[:2], Y[:2], batch_size=1, verbose=0))
    assert not told(SmallBatchWarning, lambda: net.evaluate(X[:2], Y[:2], batch_size=1, verbose=0))
    assert not told(SmallBatchWarning, lambda: model().fit(X[:6], Y[:6], batch_size=3, verbose=0))


@pytest.mark.filterwarnings("ignore::phasewise.warning.LaggingStatisticsWarning")  # so few steps
def test_a_plan_that_ends_early_is_told_with_the_step_and_what_was_learnt_is_kept():
    net, twin = model(), model()
    twin.set_weights(net.get_weights())
    plan = pw.Dataset.from_tensor_slices((X, Y)).batch(4)
    twin.fit(plan, verbose=0)
    ((text, line),) = told(DataEndedWarning, lambda: net.fit(plan, steps_per_epoch=40, verbose=0))
    assert text.startswith("The data ended after 16 of the 40 steps of epoch 1. What was learnt is kept.")
    assert "`dataset.repeat()`" in text and "smaller steps_per_epoch" in text
    assert "net.fit(plan" in line
    for ours, theirs in zip(net.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)

"""The functions of TensorFlow and of the older `keras.backend` that scripts use, under their names and with their arguments."""

import ast
import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest
from tensorflow_arguments import ARGUMENTS

import phasewise as pw
from phasewise.scripts import legacy_backend
from phasewise.scripts.running import elsewhere

OF_KERAS = Path(importlib.util.find_spec("keras").origin).parent / "src" / "legacy" / "backend.py"
X = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]], "float32")
Y = np.abs(X) + 1


@pytest.fixture(scope="module")
def names():
    """What `import tensorflow as tf` and `import tensorflow.keras.backend as K` give a script."""
    with elsewhere():
        from phasewise.scripts import finder

        finder.install()
        import tensorflow as tf
        import tensorflow.keras.backend as K

        yield {"tf": tf, "K": K}


TENSORFLOW = [
    ("tf.constant(3.0, shape=(2, 2))", np.full((2, 2), 3.0)),
    ("tf.constant([1, 2, 3, 4], shape=[2, 2])", [[1, 2], [3, 4]]),
    ("tf.convert_to_tensor(X, dtype=tf.int32)", X.astype(int)),
    ("tf.cast(X, tf.int32)", X.astype(int)),
    ("tf.reshape(X, [3, 2])", X.reshape(3, 2)),
    ("tf.shape(X)[0]", 2),
    ("tf.rank(X)", 2),
    ("tf.fill([2], 7)", [7, 7]),
    ("tf.range(3)", [0, 1, 2]),
    ("tf.range(1, 7, 2)", [1, 3, 5]),
    ("tf.eye(2, 3)", np.eye(2, 3)),
    ("tf.zeros((2,))", [0, 0]),
    ("tf.ones_like(X)", np.ones((2, 3))),
    ("tf.concat([X, X], axis=1)", np.concatenate([X, X], 1)),
    ("tf.stack([X, X], axis=1)", np.stack([X, X], 1)),
    ("tf.unstack(X)[1]", X[1]),
    ("tf.expand_dims(X, 1)", X[:, None]),
    ("tf.squeeze(tf.expand_dims(X, 1), [1])", X),
    ("tf.transpose(X)", X.T),
    ("tf.transpose(X[None], perm=[0, 2, 1])", X.T[None]),
    ("tf.matmul(X, X, transpose_b=True)", X @ X.T),
    ("tf.matmul(X, X, transpose_a=True)", X.T @ X),
    ("tf.tile(X, [2, 1])", np.tile(X, (2, 1))),
    ("tf.repeat(X, 2, axis=0)", X.repeat(2, 0)),
    ("tf.pad(X, [[1, 0], [0, 2]])", np.pad(X, [[1, 0], [0, 2]])),
    ("tf.pad(X, [[1, 0], [0, 2]], 'REFLECT')", np.pad(X, [[1, 0], [0, 2]], "reflect")),
    ("tf.split(X, [1, 2], axis=1)[1]", X[:, 1:]),
    ("tf.split(X, 2)[0]", X[:1]),
    ("tf.gather(X, [1, 0])", X[[1, 0]]),
    ("tf.gather(X, [2, 0], axis=1)", X[:, [2, 0]]),
    ("tf.one_hot([0, 2], 3)", np.eye(3)[[0, 2]]),
    ("tf.one_hot([0, 2], depth=3, on_value=5.0, off_value=-1.0)", np.where(np.eye(3)[[0, 2]] == 1, 5, -1)),
    ("tf.where(X > 0, X, 0.0)", np.where(X > 0, X, 0)),
    ("tf.where(X > 3)", [[1, 0], [1, 1]]),
    ("tf.clip_by_value(X, -1.0, 4.0)", X.clip(-1, 4)),
    ("tf.argmax(X)", X.argmax(0)),
    ("tf.argmin(X, axis=-1)", X.argmin(1)),
    ("tf.cumsum(X, axis=1)", X.cumsum(1)),
    ("tf.cumsum(X, axis=1, exclusive=True, reverse=True)", [[1, 3, 0], [-1, -6, 0]]),
    ("tf.reduce_mean(X, axis=1)", X.mean(1)),
    ("tf.reduce_mean([1, 0, 1, 0])", 0),
    ("tf.reduce_mean([[-3, 0], [2, 5]], 1)", [-1, 3]),
    ("tf.reduce_sum(X, 0, keepdims=True)", X.sum(0, keepdims=True)),
    ("tf.reduce_max(X)", 5),
    ("tf.math.reduce_std(X)", X.std()),
    ("tf.math.reduce_variance(X, 0)", X.var(0)),
    ("tf.reduce_logsumexp(X)", np.log(np.exp(X).sum())),
    ("tf.reduce_all(X > -7)", True),
    ("tf.math.log(Y)", np.log(Y)),
    ("tf.math.divide_no_nan(X, 0 * X)", 0 * X),
    ("tf.math.squared_difference(X, Y)", (X - Y) ** 2),
    ("tf.math.l2_normalize(X, axis=1)", X / np.linalg.norm(X, axis=1, keepdims=True)),
    ("tf.math.top_k(X, 2).values", -np.sort(-X)[:, :2]),
    ("tf.pow(Y, 2.0, name='p')", Y**2),
    ("tf.maximum(X, 0.0)", np.maximum(X, 0)),
    ("tf.logical_not(X > 0)", X <= 0),
    ("tf.argmax(X, 1, output_type=tf.uint8).dtype.itemsize", 1),
    ("tf.nn.relu(X)", np.maximum(X, 0)),
    ("tf.nn.leaky_relu(X)", np.where(X > 0, X, 0.2 * X)),
    ("tf.nn.softmax(X)", np.exp(X) / np.exp(X).sum(1, keepdims=True)),
    ("tf.nn.sigmoid_cross_entropy_with_logits(labels=1.0 * (Y > 3), logits=X)", np.log1p(np.exp(X)) - X * (Y > 3)),
    ("tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 1], logits=X)", np.log(np.exp(X).sum(1)) - [1, 5]),
    ("tf.nn.softmax_cross_entropy_with_logits(tf.one_hot([0, 1], 3), X)", np.log(np.exp(X).sum(1)) - [1, 5]),
    ("tf.function(lambda x: x + 1)(X)", X + 1),
    ("tf.function(jit_compile=True)(lambda x: x + 1)(X)", X + 1),
    ("tf.random.uniform((3,), 2, 3, tf.int32)", [2, 2, 2]),
    ("len(tf.config.list_physical_devices('CPU')) > 0", True),
    ("tf.config.list_physical_devices('NONE')", []),
    ("tf.Variable is K.variable(1.0).__class__", True),
    ("tf.is_tensor(tf.zeros(1))", True),
    ("float(tf.keras.layers.Dense(1, activation=tf.nn.relu, kernel_initializer='ones')(Y)[0, 0])", Y[0].sum()),
]

OLDER = [
    ("K.mean(K.square(X - Y), axis=-1)", ((X - Y) ** 2).mean(-1)),
    ("K.get_value(K.variable(X))", X),
    ("K.int_shape(K.flatten(X))", [6]),
    ("K.switch(X > 0, X, lambda: -X)", np.abs(X)),
    ("K.clip(X, min_value=0, max_value=1)", X.clip(0, 1)),
    ("K.concatenate([X, Y])", np.concatenate([X, Y], -1)),
    ("K.hard_sigmoid(X)", (0.2 * X + 0.5).clip(0, 1)),
    ("K.argmax(X)", X.argmax(-1)),
    ("K.in_top_k(X, [2, 0], 1)", [True, False]),
    ("K.permute_dimensions(X, pattern=(1, 0))", X.T),
    ("K.repeat(X, 2)", X[:, None].repeat(2, 1)),
    ("K.repeat_elements(X, 2, 1)", X.repeat(2, 1)),
    ("K.batch_flatten(X[:, :, None])", X),
    ("K.relu(X, alpha=0.1, max_value=4)", np.where(X < 0, 0.1 * X, np.minimum(X, 4))),
    ("K.sqrt(X)", np.sqrt(np.maximum(X, 0))),
    ("K.l2_normalize(X, 1)", X / np.linalg.norm(X, axis=1, keepdims=True)),
    ("K.binary_crossentropy(1.0 * (X > 0), 0.5 + 0 * X)", np.full((2, 3), np.log(2))),
    ("K.sparse_categorical_crossentropy([0, 1], X, from_logits=True)", np.log(np.exp(X).sum(1)) - [1, 5]),
    ("K.one_hot([0, 2], 3)", np.eye(3)[[0, 2]]),
    ("K.reverse(X, 1)", X[:, ::-1]),
    ("K.cast_to_floatx([1, 2])", [1.0, 2.0]),
    ("K.count_params(K.zeros((2, 3)))", 6),
    ("K.update_add(K.variable([1.0]), [2.0])", [3.0]),
    ("K.dot(X, X.T)", X @ X.T),
    ("K.eye(2)", np.eye(2)),
    ("K.epsilon()", 1e-7),
]


@pytest.mark.few(15)
@pytest.mark.parametrize(("expression", "expected"), [*TENSORFLOW, *OLDER])
def test_a_function_returns_what_its_namesake_does(names, expression, expected):
    found = eval(expression, {**names, "X": X, "Y": Y})
    np.testing.assert_allclose(np.asarray(found), expected, rtol=2e-6, atol=1e-6)


def test_the_older_functions_have_the_defaults_that_keras_gave_them():
    theirs = {
        each.name: [ast.literal_eval(default) for default in each.args.defaults]
        for each in ast.parse(OF_KERAS.read_text()).body
        if isinstance(each, ast.FunctionDef)
        and each.name in legacy_backend.__all__
        and not {"name", "ignore_class"} & {argument.arg for argument in each.args.args}
    }
    assert len(theirs) > 60
    for name, defaults in theirs.items():
        parameters = inspect.signature(getattr(legacy_backend, name)).parameters.values()
        ours = [each.default for each in parameters if each.default is not each.empty]
        assert ours[: len(defaults)] == defaults, name


def test_every_name_that_is_listed_is_there(names):
    tf, K = names["tf"], names["K"]
    for module in (tf, tf.math, tf.nn, tf.data, tf.random, tf.config, K):
        for name in dir(module):
            assert getattr(module, name) is not None, (module, name)
    assert set(legacy_backend.__all__) <= set(dir(K))


def test_a_seed_of_tensorflow_leaves_that_of_numpy_alone(names):
    tf = names["tf"]
    np.random.seed(0)
    expected = np.random.rand(2)
    np.random.seed(0)
    first = np.random.rand()
    tf.random.set_seed(3)
    drawn = tf.random.normal((2,))
    assert [first, np.random.rand()] == expected.tolist()
    tf.random.set_seed(3)
    np.testing.assert_array_equal(tf.random.normal((2,)), drawn)


def test_a_loss_of_the_older_kind_trains_a_model(names):
    K = names["K"]
    model = pw.Sequential([pw.layers.Dense(1)])
    model.compile("sgd", lambda y_true, y_pred: K.mean(K.square(y_pred - y_true), axis=-1))
    mse = pw.Sequential([pw.layers.Dense(1)])
    mse.compile("sgd", "mse")
    mse.build((None, 3)), model.build((None, 3))
    mse.set_weights(model.get_weights())
    ours, theirs = (each.fit(X, X[:, :1], verbose=0).history["loss"] for each in (model, mse))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_what_is_missing_in_an_argument_is_said(names):
    tf = names["tf"]
    with pytest.raises(ValueError, match="needs maxval"):
        tf.random.uniform((2,), dtype=tf.int32)
    with pytest.raises(ValueError, match="has no batch_dims here"):
        tf.gather(X, [[0]], batch_dims=1)


ARGUMENTS_OF = [(name, given) for given, names in ARGUMENTS.items() for name in names.split()]


@pytest.mark.parametrize(("name", "given"), ARGUMENTS_OF, ids=[name for name, _ in ARGUMENTS_OF])
def test_a_function_of_tensorflow_takes_its_arguments_under_their_names_and_in_their_order(names, name, given):
    taken = inspect.signature(eval(name, names)).parameters.values()
    assert ", ".join(p.name for p in taken if p.kind is not p.VAR_KEYWORD) == given


def test_every_function_that_stands_in_for_one_of_tensorflow_is_in_the_table(names):
    known = {name for name, _ in ARGUMENTS_OF}
    known |= {name.replace("tf.math.", "tf.") for name in known}  # tf.log, as TensorFlow 1 had it
    for module in ("tf", "tf.math", "tf.nn", "tf.random"):
        found = eval(module, names)
        ours = [
            name
            for name in dir(found)
            if getattr(getattr(found, name), "__module__", "").startswith("phasewise.scripts.")
        ]
        offered = {f"{module}.{name}" for name in ours if inspect.isfunction(getattr(found, name))}
        assert offered - {"tf.version"} <= known


KEYWORDS = [
    ("tf.nn.relu(features=X)", X.clip(0)),
    ("tf.nn.softmax(logits=X, axis=None)", np.exp(X) / np.exp(X).sum(-1, keepdims=True)),
    ("tf.nn.log_softmax(X, None)", X - np.log(np.exp(X).sum(-1, keepdims=True))),
    ("tf.nn.sigmoid(x=X, name='s')", 1 / (1 + np.exp(-X))),
    ("tf.nn.silu(features=X, beta=2.0)", X / (1 + np.exp(-2 * X))),
    ("tf.nn.swish(X)", X / (1 + np.exp(-X))),
    ("tf.nn.softsign(features=X)", X / (1 + np.abs(X))),
    ("tf.nn.relu6(features=3 * X)", (3 * X).clip(0, 6)),
    ("tf.reduce_mean(input_tensor=X, axis=0)", X.mean(0)),
    ("tf.argmax(input=X, axis=1)", X.argmax(1)),
    ("tf.square(x=X, name='squared')", X * X),
    ("tf.multiply(x=X, y=Y)", X * Y),
    ("tf.atan2(y=X, x=Y)", np.arctan2(X, Y)),
    ("tf.math.softplus(features=X)", np.log1p(np.exp(X))),
    ("tf.math.l2_normalize(X, dim=1)", X / np.linalg.norm(X, axis=1, keepdims=True)),
    ("tf.gather(params=X, indices=[1, 0], axis=None)", X[[1, 0]]),
    ("tf.matmul(X, X, adjoint_b=True)", X @ X.T),
    ("tf.math.top_k(input=X, k=1, index_type=tf.int32).indices", X.argmax(1)[:, None]),
]


@pytest.mark.parametrize(("expression", "expected"), KEYWORDS)
def test_keywords_of_tensorflow_mean_what_they_mean_there(names, expression, expected):
    np.testing.assert_allclose(eval(expression, {**names, "X": X, "Y": Y}), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (
            "tf.reduce_mean(X, keep_dims=True)",
            "reduce_mean has no argument 'keep_dims'. It is called keepdims. It takes: input_tensor, axis, keepdims, name.",
        ),
        ("tf.reduce_sum(X, reduction_indices=1)", "reduce_sum has no argument 'reduction_indices'. It is called axis."),
        ("tf.nn.relu(X, alpha=0.1)", "relu has no argument 'alpha'. It takes: features, name."),
        ("tf.reshape(tensr=X, shape=[6])", "reshape has no argument 'tensr'. Did you mean 'tensor'?"),
        ("K.argmax(X, axs=1)", "argmax has no argument 'axs'. Did you mean 'axis'?"),
    ],
)
def test_a_keyword_that_a_function_of_tensorflow_does_not_take_is_told(names, expression, words):
    with pytest.raises(TypeError) as raised:
        eval(expression, {**names, "X": X})
    assert words in str(raised.value)


def test_an_activation_of_tensorflow_is_one_that_a_file_has_a_name_for(names, tmp_path):
    nn = names["tf"].nn
    made = pw.Sequential([pw.Input((3,)), pw.layers.Dense(2, nn.relu), pw.layers.Dense(2, activation=nn.softmax)])
    assert [layer.activation for layer in made.layers] == [pw.activations.relu, pw.activations.softmax]
    made.save(tmp_path / "net.keras")
    assert np.array_equal(pw.models.load_model(tmp_path / "net.keras").predict(X), made.predict(X))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("tf.placeholder", "There is nothing of TensorFlow 1."),
        ("tf.nn.conv2d", "Use keras.ops.conv, or keras.layers.Conv2D."),
        ("tf.keras.losses.mse", "Use mean_squared_error."),
        ("tf.keras.initializers.normal", "Use RandomNormal."),
        ("tf.keras.layers.CuDNNLSTM", "Use LSTM."),
        (
            "tf.keras.layers.merge([X, X], mode='concat')",
            "is a module, not a function. Use the functions add, multiply",
        ),
        ("K.set_image_dim_ordering('th')", "Use set_image_data_format."),
        ("K.get_session()", "there is no session"),
    ],
)
def test_a_name_of_older_versions_is_told_what_there_is_in_its_place(names, expression, words):
    with pytest.raises((AttributeError, TypeError)) as raised:
        eval(expression, {**names, "X": X})
    assert words in str(raised.value)

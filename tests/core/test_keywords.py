"""Keywords that nobody takes: what came, what it is called now, and what is taken."""

import importlib
import inspect
import pickle

import numpy as np
import pytest
from phasewise.warning import PhasewiseWarning

import phasewise as pw
from phasewise import callbacks, constraints, initializers, layers, losses, optimizers, regularizers, utils

X, Y = np.zeros((8, 3), "float32"), np.zeros((8, 1), "float32")
MODULES = """
    activations backend callbacks config constraints data dtype_policies export initializers layers losses metrics models ops
    optimizers optimizers.schedules preprocessing preprocessing.image preprocessing.sequence random regularizers saving tree utils
    utils.bounding_boxes visualization wrappers datasets.boston_housing datasets.california_housing datasets.cifar10 datasets.cifar100
    datasets.fashion_mnist datasets.imdb datasets.mnist datasets.reuters
"""


def public(module):
    """The functions and classes of a module from which people import, by name."""
    found = importlib.import_module(f"phasewise.{module}")
    names = getattr(found, "__all__", None) or [
        name for name in dir(found) if getattr(getattr(found, name), "__module__", None) == found.__name__
    ]
    for name in names:
        item = getattr(found, name)
        is_told = inspect.isfunction(item) or (inspect.isclass(item) and not issubclass(item, BaseException))
        if name[0] != "_" and is_told and getattr(item, "__module__", "").startswith("phasewise."):
            yield name, item


def takes_any(item):
    """Whether it takes any keyword: for another function, or as names of a user's own."""
    parameters = inspect.signature(item.__init__ if inspect.isclass(item) else item).parameters.values()
    return any(p.kind is p.VAR_KEYWORD for p in parameters)


NAMES_OF_ONES_OWN = {
    "callbacks.CallbackList",
    "callbacks.LambdaCallback",
    "utils.Config",
    "tree.MAP_TO_NONE",
    "export.Served",
}


@pytest.mark.parametrize("module", MODULES.split())
def test_everything_public_tells_of_a_keyword_that_it_does_not_take(module):
    silent = []
    for name, item in public(module):
        if takes_any(item) or f"{module}.{name}" in NAMES_OF_ONES_OWN:
            continue
        arguments = [X] if module == "activations" else []
        with pytest.raises((TypeError, ValueError)) as raised:
            item(*arguments, not_an_argument=1)
        if "has no argument 'not_an_argument'." not in str(raised.value):
            silent.append(name)
    assert silent == []


@pytest.fixture(scope="module")
def model():
    made = pw.Sequential([pw.Input((3,)), layers.Dense(1)], name="net")
    made.compile("sgd", "mse")
    return made


METHODS = """
    compile fit evaluate predict train_on_batch test_on_batch predict_on_batch summary explain save_weights load_weights get_layer
    add_metric add_weight
"""


@pytest.mark.parametrize("method", METHODS.split())
def test_a_method_of_a_model_tells_of_a_keyword_that_it_does_not_take(model, method):
    with pytest.raises(TypeError, match=rf"^{method} has no argument 'not_an_argument'\. It takes: "):
        getattr(model, method)(not_an_argument=1)


@pytest.mark.parametrize("method", ["save", "export"])
def test_a_method_that_writes_tells_before_it_writes(model, method, tmp_path):
    with pytest.raises((TypeError, ValueError), match="not_an_argument"):
        getattr(model, method)(tmp_path / "net.keras", not_an_argument=1)
    assert not list(tmp_path.iterdir())


OLD = [
    (lambda m: layers.Dense(output_dim=3, input_dim=4), "Dense has no argument 'output_dim'. It is called units."),
    (lambda m: layers.Dense(3, init="uniform"), "Dense has no argument 'init'. It is called kernel_initializer."),
    (lambda m: layers.Dense(3, W_regularizer="l2"), "It is called kernel_regularizer."),
    (lambda m: layers.Dense(3, bias=False), "It is called use_bias."),
    (lambda m: layers.Dense(3, weights=[X]), "Give them to layer.set_weights once it is built."),
    (lambda m: layers.Embedding(9, 3, init="uniform"), "It is called embeddings_initializer."),
    (lambda m: layers.PReLU(init="zero"), "It is called alpha_initializer."),
    (lambda m: layers.Embedding(9, 3, dropout=0.2), "Put SpatialDropout1D behind it."),
    (lambda m: pw.Input(input_shape=(3,)), "Input has no argument 'input_shape'. It is called shape."),
    (lambda m: layers.InputLayer(shapes=(3,)), "InputLayer has no argument 'shapes'. Did you mean 'shape'?"),
    (lambda m: layers.Dropout(p=0.5), "Dropout has no argument 'p'. It is called rate."),
    (lambda m: layers.GaussianNoise(sigma=0.5), "It is called stddev."),
    (lambda m: layers.Reshape(dims=(3,)), "It is called target_shape."),
    (lambda m: layers.MaxPooling2D(border_mode="same"), "It is called padding."),
    (lambda m: layers.MaxPooling1D(pool_length=2), "It is called pool_size."),
    (lambda m: layers.ZeroPadding2D(dim_ordering="th"), '"th" is "channels_first", "tf" is "channels_last".'),
    (lambda m: layers.Conv2D(8, 3, subsample=(2, 2)), "It is called strides."),
    (
        lambda m: layers.Conv1D(nb_filter=8, filter_length=3),
        "nb_filter is called filters. filter_length is called kernel_size.",
    ),
    (
        lambda m: layers.Convolution2D(nb_filter=8, nb_row=3, nb_col=5, border_mode="same", input_shape=(9, 9, 1)),
        "Conv2D has no arguments 'nb_filter', 'nb_row', 'nb_col', 'border_mode'. nb_filter is called filters. nb_row is called kernel_size. "
        "nb_row=3, nb_col=5 is kernel_size=(3, 5). nb_col is called kernel_size. border_mode is called padding.",
    ),
    (lambda m: layers.BatchNormalization(mode=2), 'for mode=2 use predict(..., statistics="batch").'),
    (lambda m: layers.BatchNormalization(gamma_init="one"), "It is called gamma_initializer."),
    (lambda m: layers.LSTM(3, inner_init="orthogonal"), "It is called recurrent_initializer."),
    (
        lambda m: layers.LSTM(3, dropout_W=0.2, dropout_U=0.2),
        "dropout_W is called dropout. dropout_U is called recurrent_dropout.",
    ),
    (
        lambda m: layers.LSTM(output_dim=3, inner_activation="sigmoid"),
        "inner_activation is called recurrent_activation.",
    ),
    (lambda m: layers.LSTM(3, consume_less="gpu"), "Leave it out: it has no effect any more."),
    (lambda m: optimizers.SGD(lr=0.1), "SGD has no argument 'lr'. It is called learning_rate."),
    (lambda m: optimizers.Adam(decay=1e-6), "InverseTimeDecay(rate, decay_steps=1, decay_rate=decay) is what it did."),
    (lambda m: regularizers.L2(l=0.1), "It is called l2."),
    (lambda m: regularizers.L1(l=0.1), "It is called l1."),
    (lambda m: constraints.MaxNorm(m=2), "It is called max_value."),
    (lambda m: initializers.RandomUniform(scale=0.1), "It was minval=-scale, maxval=scale."),
    (lambda m: pw.activations.relu(X, alpha=0.1), "relu has no argument 'alpha'. It is called negative_slope."),
    (lambda m: utils.to_categorical([1], nb_classes=3), "It is called num_classes."),
    (lambda m: utils.to_categorical(y=[1]), "It is called x."),
    (lambda m: callbacks.ReduceLROnPlateau(epsilon=0.1), "It is called min_delta."),
    (
        lambda m: callbacks.ModelCheckpoint("a.keras", period=2),
        'It is called save_freq. That is "epoch", or counts batches',
    ),
    (lambda m: pw.Model(input=1, output=2), "input is called inputs. output is called outputs."),
    (lambda m: m.fit(X, Y, nb_epoch=2), "fit has no argument 'nb_epoch'. It is called epochs."),
    (
        lambda m: m.fit(X, Y, samples_per_epoch=8),
        "It is called steps_per_epoch. That counts batches, where this counted rows",
    ),
    (lambda m: m.fit(X, Y, show_accuracy=True), 'Ask for it in compile(..., metrics=["accuracy"]).'),
    (lambda m: m.fit(X, Y, workers=4), "batches are made ahead of the step"),
    (lambda m: m.fit(generator=X), "It is called x."),
    (lambda m: m.evaluate(X, Y, val_samples=8), "It is called steps."),
    (lambda m: m.compile("sgd", "mse", class_mode="binary"), "Leave it out: it has no effect any more."),
    (lambda m: m.add_weight(init="zero"), "It is called initializer."),
    (lambda m: pw.ops.mean(X, keep_dims=True), "It is called keepdims."),
    (lambda m: pw.random.normal((3,), std=1), "It is called stddev."),
]


@pytest.mark.parametrize(("call", "words"), OLD, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_an_argument_of_keras_1_or_2_is_told_its_name_of_now(model, call, words):
    with pytest.raises((TypeError, ValueError)) as raised:
        call(model)
    assert words in str(raised.value)
    assert "It takes: " in str(raised.value)


NEAR = [
    (lambda: losses.BinaryCrossentropy(from_logit=True), "Did you mean 'from_logits'?"),
    (lambda: losses.binary_crossentropy(Y, Y, from_logit=True), "Did you mean 'from_logits'?"),
    (lambda: callbacks.EarlyStopping(patiance=3), "Did you mean 'patience'?"),
    (lambda: pw.Dataset.from_tensor_slices(X).shuffle(bufer_size=3), "Did you mean 'buffer_size'?"),
    (lambda: optimizers.schedules.ExponentialDecay(0.1, decay_step=1, decay_rate=0.9), "Did you mean 'decay_steps'?"),
    (lambda: utils.plot_model(None, show_shape=True), "Did you mean 'show_shapes'?"),
    (lambda: pw.models.load_model("a.keras", custom_object={}), "Did you mean 'custom_objects'?"),
]


@pytest.mark.parametrize(("call", "words"), NEAR)
def test_a_keyword_that_is_misspelt_is_told_the_nearest(call, words):
    with pytest.raises(TypeError) as raised:
        call()
    assert words in str(raised.value)


def test_an_unknown_keyword_of_a_call_is_told_by_the_layer(model):
    with pytest.raises(
        TypeError, match=r"The call of layer 'dense\w*' \(Dense\) has no argument 'train'\. It takes: inputs\."
    ):
        layers.Dense(1)(X, train=True)
    with pytest.raises(TypeError, match=r"The call of layer 'net' \(Sequential\) has no argument 'train'"):
        model(X, train=True)


METHODS_OF_KERAS_2 = [
    ("fit_generator", "Use fit, which takes generators; steps_per_epoch counts batches."),
    ("evaluate_generator", "Use evaluate, which takes generators."),
    ("predict_generator", "Use predict, which takes generators."),
    ("predict_classes", "Use predict(x).argmax(-1), or with a single sigmoid (predict(x) > 0.5).astype(int)."),
    ("predict_proba", "Use predict."),
]


@pytest.mark.parametrize(("name", "words"), METHODS_OF_KERAS_2)
def test_a_method_of_keras_2_is_told_what_there_is_in_its_place(model, name, words):
    assert not hasattr(model, name)
    with pytest.raises(AttributeError) as raised:
        getattr(model, name)
    assert str(raised.value) == f"Sequential has no {name!r}. {words}"


def test_a_subclass_may_have_a_method_of_an_old_name():
    class Classifier(pw.Sequential):
        def predict_classes(self, x):
            return self.predict(x, verbose=0).argmax(-1)

    assert Classifier([layers.Dense(2)]).predict_classes(X).shape == (8,)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("merge", "Use the functions add, multiply, average, maximum, concatenate and dot."),
        ("TimeDistributedDense", "Use Dense, which takes sequences as they are."),
        ("Deconvolution2D", "Use Conv2DTranspose."),
    ],
)
def test_a_layer_of_keras_1_is_told_what_there_is_in_its_place(name, words):
    with pytest.raises(AttributeError) as raised:
        getattr(layers, name)
    assert str(raised.value) == f"phasewise.layers has no {name!r}. {words}"


def test_the_learning_rate_is_told_its_name():
    with pytest.raises(AttributeError, match=r"Adam has no 'lr'\. Use learning_rate\."):
        optimizers.Adam().lr  # noqa: B018


def test_a_class_of_a_users_own_tells_too():
    class Weighted(losses.Loss):
        def __init__(self, factor=1.0):
            super().__init__()
            self.factor = factor

    with pytest.raises(
        TypeError, match=r"Weighted has no argument 'facter'\. Did you mean 'factor'\? It takes: factor\."
    ):
        Weighted(facter=2)


def test_a_class_without_arguments_takes_none():
    with pytest.raises(TypeError, match=r"Quiet has no argument 'loudness'\. It takes none\."):
        type("Quiet", (callbacks.Callback,), {})(loudness=1)
    with pytest.raises(TypeError, match=r"Callback takes no arguments; got 3\."):
        callbacks.Callback(3)
    assert str(inspect.signature(callbacks.Callback)).startswith("()")


def test_a_constructor_of_another_base_gets_its_arguments():
    class Named:
        def __new__(cls, title, **more):
            made = super().__new__(cls)
            made.title = title
            return made

    class Titled(callbacks.Callback, Named):
        def __init__(self, title, **more):
            pass

    assert Titled("weekly", more=1).title == "weekly"


def test_an_error_in_the_function_is_not_taken_for_one_of_its_arguments():
    def labelled(x, y=None):
        raise TypeError("labels are numbers")

    with pytest.raises(TypeError, match="labels are numbers"):
        pw.Dataset.from_tensor_slices(X).map(map_func=labelled).__iter__().__next__()


def test_functions_at_several_doors_are_one_and_can_be_pickled():
    assert pw.models.load_model is pw.saving.load_model
    assert pw.preprocessing.sequence.pad_sequences is utils.pad_sequences
    for function in (
        utils.to_categorical,
        pw.ops.mean,
        losses.mean_squared_error,
        pw.metrics.binary_accuracy,
        pw.config.epsilon,
    ):
        assert pickle.loads(pickle.dumps(function)) is function


def test_rows_and_columns_of_a_kernel_by_place_are_warned_of():
    with pytest.warns(
        PhasewiseWarning,
        match=r"Conv2D\(32, 3, 3\) has strides=3\. If that was the kernel's size, as in Keras 1, write kernel",
    ):
        layers.Convolution2D(32, 3, 3, activation="relu")


@pytest.mark.filterwarnings("error")
def test_strides_are_not_taken_for_columns_where_they_may_be_meant():
    layers.Conv2D(32, 3, 2)
    layers.Conv2D(32, 16, 16)
    layers.Conv2D(32, 3, strides=3)
    layers.Conv1D(32, 3, 3)


def test_what_keras_3_accepts_of_keras_2_is_accepted(tmp_path, model):
    with pytest.warns(PhasewiseWarning, match="LeakyReLU's alpha is called negative_slope"):
        assert layers.LeakyReLU(alpha=0.25).negative_slope == 0.25
    assert layers.InputLayer(input_shape=(3,)).batch_shape == (None, 3)
    assert layers.InputLayer(batch_input_shape=(2, 3)).batch_shape == (2, 3)
    with pytest.raises(
        ValueError, match=r"given shape=\(3,\) and input_shape=\(4,\), its name in Keras 2: give one of them"
    ):
        layers.InputLayer((3,), input_shape=(4,))
    with pytest.warns(PhasewiseWarning) as warned:
        model.save(tmp_path / "net.keras", save_format="keras", include_optimizer=False)
    assert [str(each.message).split(" has ")[0] for each in warned] == [
        "save's save_format",
        "save's include_optimizer=False",
    ]
    assert np.array_equal(pw.models.load_model(tmp_path / "net.keras").predict(X), model.predict(X))


def test_deserialize_takes_custom_objects():
    class Mine(losses.MeanSquaredError):
        pass

    made = losses.deserialize({"class_name": "Mine", "config": {"name": "own"}}, custom_objects={"Mine": Mine})
    assert type(made) is Mine
    assert made.name == "own"

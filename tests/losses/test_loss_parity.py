"""Every loss function and class against Keras: values and gradients, for all arguments."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from parity import arguments, close
from phasewise import losses
from phasewise.core import registry

# function name -> (what labels and predictions are, arguments)
TABLE = {
    "mean_squared_error": [("real", {})],
    "mean_absolute_error": [("real", {})],
    "mean_absolute_percentage_error": [("real", {})],
    "mean_squared_logarithmic_error": [("positive", {}), ("real", {})],
    "log_cosh": [("real", {})],
    "huber": [("real", {}), ("real", {"delta": 0.4}), ("real", {"delta": 3})],
    "cosine_similarity": [("real", {}), ("real", {"axis": 0}), ("real", {"axis": 1})],
    "poisson": [("positive", {})],
    "kl_divergence": [("soft distribution", {}), ("distribution", {})],
    "hinge": [("yes-no logit", {}), ("sign", {})],
    "squared_hinge": [("yes-no logit", {}), ("sign", {})],
    "categorical_hinge": [("one-hot logit", {})],
    "binary_crossentropy": [
        ("yes-no", {}),
        ("yes-no", {"label_smoothing": 0.2}),
        ("yes-no", {"axis": 0}),
        ("soft yes-no", {}),
        ("yes-no logit", {"from_logits": True}),
        ("yes-no logit", {"from_logits": True, "label_smoothing": 0.1, "axis": 1}),
    ],
    "binary_focal_crossentropy": [
        ("yes-no", {}),
        ("yes-no", {"gamma": 1.5, "label_smoothing": 0.2}),
        ("yes-no", {"apply_class_balancing": True, "alpha": 0.7}),
        ("yes-no logit", {"from_logits": True, "gamma": 0.5, "axis": 1}),
        ("soft yes-no", {"gamma": 3}),
    ],
    "categorical_crossentropy": [
        ("distribution", {}),
        ("soft distribution", {}),
        ("distribution", {"label_smoothing": 0.2}),
        ("distribution", {"axis": 1}),
        ("unnormalized", {}),
        ("one-hot logit", {"from_logits": True}),
        ("one-hot logit", {"from_logits": True, "label_smoothing": 0.1}),
        ("one-hot logit", {"from_logits": True, "axis": 1}),
    ],
    "categorical_focal_crossentropy": [
        ("distribution", {}),
        ("distribution", {"alpha": 0.6, "gamma": 1.5, "label_smoothing": 0.1}),
        ("one-hot logit", {"from_logits": True}),
        ("unnormalized", {"axis": 1}),
    ],
    "sparse_categorical_crossentropy": [
        ("class", {}),
        ("class unnormalized", {}),
        ("class", {"ignore_class": 0}),
        ("class logit", {"from_logits": True}),
        ("class logit", {"from_logits": True, "ignore_class": 1}),
        ("class or void", {"from_logits": True, "ignore_class": -1}),
    ],
    "categorical_generalized_cross_entropy": [("class", {"q": 0.5}), ("class", {"q": 0.9})],
    "dice": [("yes-no", {}), ("soft yes-no", {"axis": 1}), ("distribution", {"axis": (-1, 0)})],
    "tversky": [("yes-no", {}), ("soft yes-no", {"alpha": 0.3, "beta": 0.9, "axis": (1,)})],
}
OF_OTHER_SHAPES = {"circle", "ctc"}  # in test_structured_losses.py
ROWS = [(name, kind, options) for name, rows in TABLE.items() for kind, options in rows]
CLASSES = {item.__name__: item for item in registry.members("loss") if inspect.isclass(item)}
CLASS_OF = {item().fn.__name__: name for name, item in CLASSES.items()}
SHAPES = [(5, 4), (3, 4, 4)]


def softmax(x):
    powers = np.exp(x)
    return powers / powers.sum(-1, keepdims=True)


def sample(kind, shape, seed=0):
    """Labels in their natural dtype, and float32 predictions of this shape."""
    rng = np.random.default_rng(seed)
    scores, uniform = rng.normal(0, 2, shape), rng.uniform(0.05, 0.95, shape)
    classes = rng.integers(0, shape[-1], shape[:-1])
    y_true = {
        "real": rng.normal(0, 2, shape),
        "positive": rng.uniform(0.1, 4, shape),
        "sign": rng.choice([-1, 1], shape),
        "yes-no": rng.integers(0, 2, shape),
        "soft": rng.uniform(0, 1, shape),
        "one-hot": np.eye(shape[-1], dtype=int)[classes],
        "soft distribution": softmax(rng.normal(0, 2, shape)),
        "class or void": np.where(rng.random(shape[:-1]) < 0.4, -1, classes),
        "class": classes,
    }
    y_pred = {"real": scores, "sign": scores, "positive": scores**2 + 0.1, "yes-no": uniform, "soft yes-no": uniform}
    y_pred |= {"unnormalized": uniform, "class unnormalized": uniform, "class or void": scores}
    named = {"distribution": "one-hot", "unnormalized": "one-hot", "soft yes-no": "soft", "class unnormalized": "class"}
    label = named.get(kind, kind.removesuffix(" logit"))
    default = scores if kind.endswith("logit") else softmax(scores)
    labels = y_true[label]
    labels = labels.astype(np.float32) if labels.dtype.kind == "f" else labels.astype(np.int32)
    return labels, y_pred.get(kind, default).astype(np.float32)


def value_and_gradient(function, y_true, y_pred):
    """The values, and the gradient with respect to the predictions of a weighted sum of them."""

    def weighted(y_pred):
        values = function(y_true, y_pred)
        return jnp.sum(values * jnp.cos(jnp.arange(values.size, dtype=values.dtype)).reshape(values.shape)), values

    (_, values), gradient = jax.value_and_grad(weighted, has_aux=True)(y_pred)
    return values, gradient


def side_by_side(compute, ours, theirs):
    """`compute` of both, in one program."""
    return jax.jit(lambda: (compute(ours), compute(theirs)))()


def test_the_table_has_every_registered_function_and_every_function_has_a_class():
    functions = {item.__name__ for item in registry.members("loss") if not inspect.isclass(item)}
    assert functions == set(TABLE) | OF_OTHER_SHAPES
    assert set(CLASS_OF) == functions


def test_every_loss_of_keras_is_here_with_its_arguments():
    theirs = {
        name: item
        for name, item in inspect.getmembers(keras.losses)
        if inspect.isfunction(item) or inspect.isclass(item)
    }
    assert set(losses.__all__) == set(theirs)
    for name in sorted(set(theirs) - {"deserialize"}):
        assert arguments(getattr(losses, name)) == arguments(theirs[name]), name


@pytest.mark.parametrize(("name", "kind", "options"), ROWS)
@pytest.mark.few(12)
def test_function_values_and_gradients_agree_with_keras(name, kind, options):
    samples = [sample(kind, shape) for shape in SHAPES]

    def compute(function):
        return [value_and_gradient(partial(function, **options), *pair) for pair in samples]

    ours, theirs = side_by_side(compute, getattr(losses, name), getattr(keras.losses, name))
    assert jax.tree.map(jnp.shape, ours) == jax.tree.map(jnp.shape, theirs)
    close(ours, theirs)


@pytest.mark.few(24)
@pytest.mark.parametrize(("name", "kind", "options"), ROWS)
def test_the_class_of_the_function_agrees_with_keras_also_with_weights(name, kind, options):
    y_true, y_pred = sample(kind, (5, 4), seed=1)
    weights = np.float32([1, 0, 0.5, 2, 3])[
        : 4 if options.get("axis") == 0 else 5
    ]  # along axis 0 there is one a column
    ours, theirs = CLASSES[CLASS_OF[name]](**options), getattr(keras.losses, CLASS_OF[name])(**options)
    assert (ours.name, ours.reduction) == (theirs.name, theirs.reduction)
    mine, reference = side_by_side(
        lambda loss: (loss(y_true, y_pred), loss(y_true, y_pred, sample_weight=weights)), ours, theirs
    )
    assert [(value.shape, value.dtype) for value in mine] == [((), jnp.float32)] * 2
    close(mine, reference)


@pytest.mark.few(7)
@pytest.mark.parametrize(("name", "kind", "options"), [(name, *rows[0]) for name, rows in TABLE.items()])
def test_the_dtype_of_whole_labels_does_not_matter(name, kind, options):
    y_true, y_pred = sample(kind, (5, 4))
    y_true = np.round(y_true)
    dtypes = [np.float32, np.int8, "bfloat16", *([np.uint8, bool] if set(np.unique(y_true)) <= {0, 1} else [])]
    of_dtype = jax.jit(lambda: [getattr(losses, name)(jnp.asarray(y_true, d), y_pred, **options) for d in dtypes])()
    for values in of_dtype[1:]:
        np.testing.assert_array_equal(values, of_dtype[0])


@pytest.mark.few(8)
@pytest.mark.parametrize("name", sorted(name for name in CLASSES if "Categorical" not in name and name != "CTC"))
def test_labels_and_predictions_with_and_without_an_axis_of_size_one_belong_together(name):
    rng = np.random.default_rng(4)
    y_true, y_pred = rng.integers(0, 2, (6, 1)), rng.uniform(0.1, 0.9, (6, 1)).astype(np.float32)
    ours, theirs = side_by_side(
        lambda loss: [loss(y_true[:, 0], y_pred), loss(y_true, y_pred[:, 0]), loss(y_true, y_pred)],
        CLASSES[name](),
        getattr(keras.losses, name)(),
    )
    close(ours, theirs)
    np.testing.assert_allclose(ours, [ours[0]] * 3, rtol=1e-6)


@pytest.mark.few(2)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("options", [{}, {"from_logits": True, "ignore_class": 2}])
def test_integer_labels_may_have_an_axis_of_size_one_for_the_classes(shape, options):
    y_true, y_pred = sample("class", shape)
    ours, theirs = side_by_side(
        lambda loss: loss(y_true, y_pred),
        losses.SparseCategoricalCrossentropy(**options),
        keras.losses.SparseCategoricalCrossentropy(**options),
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    np.testing.assert_allclose(
        losses.SparseCategoricalCrossentropy(**options)(y_true[..., None], y_pred), ours, rtol=1e-6
    )

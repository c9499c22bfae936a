"""What an optimizer keeps, as variables: Keras's list, read, assigned, saved and loaded, and updates that are pure."""

import h5py
import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import pytest

import phasewise as pw
from optimizer_table import OWN
from phasewise import optimizers
from phasewise.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer

SHAPES = {
    "net/first/kernel": (3, 2),
    "net/first/bias": (2,),
    "net/embedding/embeddings": (4, 3),
    "net/conv/kernel": (2, 3, 4),
}
NAMES = sorted(OWN)
EXTRA = {"use_ema": True, "gradient_accumulation_steps": 2}
ROWS = [(name, options) for name in NAMES for options in (OWN[name][-1], {**OWN[name][0], **EXTRA})]
# Keras gives these the name of the weight alone, or none.
NAMED_OTHERWISE = {"Adafactor": ("_row", "_column"), "Nadam": ("momentum_product",)}


def start(library):
    """Variables of several ranks, with the same paths and values in both libraries."""
    rng, made = np.random.default_rng(1), []
    for path, shape in SHAPES.items():
        made.append(library.Variable(rng.normal(size=shape).astype("float32"), name=path.split("/")[-1]))
        setattr(made[-1], "path" if library is pw else "_path", path)
    return made


def gradients(steps):
    rng = np.random.default_rng(2)
    return [[rng.normal(size=s).astype("float32") for s in SHAPES.values()] for _ in range(steps)]


def made(library, name, options):
    return getattr(library.optimizers, name)(**{"learning_rate": 0.05, "name": "it", **options})


def applied(optimizer, variables, grads):
    for each in grads:
        optimizer.apply(each, variables)


@pytest.mark.parametrize(("name", "options"), ROWS)
def test_the_list_has_the_shapes_types_and_names_of_keras_in_its_order(name, options):
    ours, theirs = made(pw, name, options), made(keras, name, options)
    assert [v.path for v in ours.variables] == [v.path for v in theirs.variables]
    ours.build(start(pw))
    theirs.build(start(keras))
    assert [(v.shape, v.dtype) for v in ours.variables] == [(v.shape, v.dtype) for v in theirs.variables]
    for variable, twin in zip(ours.variables, theirs.variables):
        if not variable.path.endswith(NAMED_OTHERWISE.get(name, "/")):
            assert (variable.path, variable.name) == (twin.path, twin.name)
        if "_average" not in variable.path:  # Keras's averages begin at 0, and are not read then
            np.testing.assert_array_equal(variable.numpy(), np.asarray(twin.value))


def test_a_scheduled_rate_is_none_of_them_as_in_keras():
    for library in (pw, keras):
        optimizer = library.optimizers.SGD(library.optimizers.schedules.CosineDecay(0.1, 10), name="it")
        optimizer.build(start(library))
        assert [v.path for v in optimizer.variables] == ["it/iteration"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.extensive
def test_what_keras_has_saved_is_loaded_and_training_goes_on_as_there(tmp_path, name):
    options = OWN[name][-1]
    theirs, twins = made(keras, name, options), start(keras)
    applied(theirs, twins, gradients(3))
    with h5py.File(tmp_path / "state.h5", "w") as store:
        theirs.save_own_variables(store)
    ours, variables = made(pw, name, {**options, "learning_rate": 0.5}), start(pw)
    for variable, twin in zip(variables, twins):
        variable.assign(np.asarray(twin.value))
    ours.build(variables)
    with h5py.File(tmp_path / "state.h5") as store:
        ours.load_own_variables(store)
    assert (ours.iterations, ours.learning_rate) == (3, np.float32(0.05))
    assert ours.get_config()["learning_rate"] == pytest.approx(0.05)
    for optimizer, each in ((ours, variables), (theirs, twins)):
        applied(optimizer, each, gradients(5)[3:])
    for variable, twin in zip(variables, twins):
        np.testing.assert_allclose(variable.numpy(), np.asarray(twin.value), rtol=1e-5, atol=1e-6)


@pytest.mark.few(6)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_saved_here_is_loaded_by_keras(name):
    options = {**OWN[name][0], **EXTRA}
    ours, store = made(pw, name, options), {}
    applied(ours, start(pw), gradients(3))
    ours.save_own_variables(store)
    theirs = made(keras, name, options)
    theirs.build(start(keras))
    theirs.load_own_variables(store)
    assert len(store) == len(theirs.variables)
    for number, twin in enumerate(theirs.variables):
        np.testing.assert_array_equal(store[str(number)], np.asarray(twin.value))


WRAPPED = {
    "LossScaleOptimizer": lambda: LossScaleOptimizer(Adam(0.05), 8.0),
    "MultiOptimizer": lambda: MultiOptimizer(optimizers.OptimizerMap(SGD(0.1, momentum=0.5), {".*/bias": Adam(0.05)})),
    "both": lambda: LossScaleOptimizer(WRAPPED["MultiOptimizer"](), 8.0),
    "optax": lambda: optimizers.get(optax.chain(optax.clip(0.5), optax.adam(0.05))),
    "Adafactor": lambda: optimizers.Adafactor(0.05, use_ema=True),
    "Nadam": lambda: optimizers.Nadam(0.05, gradient_accumulation_steps=2),
    "a schedule": lambda: SGD(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
}


@pytest.mark.few(4)
@pytest.mark.parametrize("make", WRAPPED.values(), ids=WRAPPED)
def test_a_new_optimizer_that_takes_what_another_saved_goes_on_as_that(make):
    first, again, variables, twins, store = make(), make(), start(pw), start(pw), {}
    applied(first, variables, gradients(3))
    first.save_own_variables(store)
    again.build(twins)
    again.load_own_variables(store)
    for variable, twin in zip(variables, twins):
        twin.assign(variable.numpy())
    applied(first, variables, gradients(6)[3:])
    applied(again, twins, gradients(6)[3:])
    for variable, twin in zip([*variables, *first.variables], [*twins, *again.variables]):
        np.testing.assert_array_equal(variable.numpy(), twin.numpy())


@pytest.mark.parametrize("make", WRAPPED.values(), ids=WRAPPED)
def test_the_pure_update_compiles_and_is_that_of_apply(make):
    optimizer, by_hand, variables, twins = make(), make(), start(pw), start(pw)
    optimizer.build(variables)
    update = jax.jit(optimizer.stateless_apply)
    values, kept = [v.numpy() for v in variables], [v.numpy() for v in optimizer.variables]
    for grads in gradients(4):
        values, kept = update(kept, grads, values)
    applied(by_hand, twins, gradients(4))
    for value, twin in zip([*values, *kept], [*twins, *by_hand.variables], strict=True):
        np.testing.assert_allclose(value, twin.numpy(), rtol=1e-5, atol=1e-6)
    assert optimizer.iterations == 0  # nothing was changed


def test_one_that_is_assigned_holds_from_the_next_step_on_and_compiles_nothing():
    pw.set_random_seed(1)
    model = pw.Sequential([pw.Input((1,)), pw.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(SGD(0.25, momentum=0.5), "mse")
    x, y = np.float32([[1.0]]), np.float32([[2.0]])
    model.train_on_batch(x, y)
    programs = len(model.programs)
    count, rate, momentum = model.optimizer.variables
    momentum.assign([[4.0]])
    rate.assign(0.5)
    count.assign(7)
    model.set_weights([np.float32([[0.0]])])
    model.train_on_batch(x, y)
    assert model.get_weights()[0][0, 0] == 0.5 * 4.0 + 0.5 * 2 * 2.0
    assert (float(momentum[0, 0]), int(count), int(model.optimizer.iterations)) == (4.0, 8, 8)
    assert float(model.optimizer.learning_rate) == 0.5
    assert len(model.programs) == programs


def test_they_show_what_is_now_while_a_model_trains():
    seen = []

    class Watch(pw.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append([v.numpy().copy() for v in self.model.optimizer.variables])

    model = pw.Sequential([pw.Input((1,)), pw.layers.Dense(1)])
    model.compile(Adam(0.1), "mse")
    model.fit(np.ones((8, 1)), np.ones((8, 1)), batch_size=2, epochs=3, verbose=0, callbacks=[Watch()])
    assert [int(each[0]) for each in seen] == [4, 8, 12]
    assert len({float(each[2][0, 0]) for each in seen}) == 3


def test_the_second_moment_of_a_matrix_is_shown_by_adafactor_but_not_kept():
    optimizer = optimizers.Adafactor(0.05)
    applied(optimizer, start(pw), gradients(2))
    assert optimizer.state["slots"]["velocity"][0] is None
    row, column, full = (v.numpy() for v in optimizer.variables[2:5])
    np.testing.assert_allclose(full, np.outer(row / row.mean(), column), rtol=1e-6)


def _built():
    optimizer = SGD(0.1, momentum=0.5)
    optimizer.build(start(pw))
    return optimizer


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: SGD().set_weights([1, 0.1]),
            r"SGD has no variables to set yet: call optimizer.build\(trainable_variables\)",
        ),
        (
            lambda: _built().set_weights([1, 0.1]),
            "SGD keeps 6 variables; got 2 values. They fit an optimizer of the same class",
        ),
        (lambda: _built().load_own_variables({"0": 1}), "SGD keeps 6 variables; got 1 values"),
        (
            lambda: _built().set_weights([1, 0.1, *np.zeros((4, 7))]),
            r"Optimizer variable 'sgd.*/net_first_kernel_momentum' has shape \(3, 2\); got \(7,\)",
        ),
        (lambda: SGD().stateless_apply([], [], []), "stateless_apply needs an optimizer that is built"),
        (
            lambda: _built().stateless_apply([1, 0.1], gradients(1)[0], gradients(1)[0]),
            "takes the values of 6 optimizer variables, 4 gradients and 4 trainable variables; got 2, 4 and 4",
        ),
        (
            lambda: _built().variables[2].assign(jnp.ones(5)),
            r"has shape \(3, 2\); it cannot take a value of shape \(5,\)",
        ),
    ],
)
def test_a_mistake_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("library", [pw, keras], ids=["ours", "keras"])
def test_build_takes_its_variables_under_the_name_that_keras_gives_them(library):
    layer = library.layers.Dense(2)
    layer.build((None, 3))
    optimizer = library.optimizers.Adam()
    optimizer.build(var_list=layer.trainable_variables)
    assert optimizer.built
    assert len(optimizer.variables) == 6

"""Optimizers: Keras's numbers step by step, what they keep, and any optax transformation as it is."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from optimizer_table import OWN, SHARED
from parity import arguments
from phasewise import optimizers
from phasewise.core import registry

# Those that wrap others are tested in test_loss_scale.py and test_multi_optimizer.py.
ALL = {c.__name__: c for c in registry.members("optimizer") if not c.wraps_others}
A_FEW = ("SGD", "Adam", "Nadam", "Adafactor", "Muon")  # of each kind of state; the others where every case is run
WITH_SHARED = [
    pytest.param(name, options[-1], shared, marks=() if name in A_FEW else pytest.mark.extensive)
    for name, options in OWN.items()
    for shared in SHARED
]
SHAPES = [(3, 2), (2,)]
STEPS = 7


def start(library, constraint=None):
    """The variables, two of them, with the same values in both libraries."""
    rng = np.random.default_rng(1)
    variables = [
        library.Variable(rng.normal(size=s).astype("float32"), name=n) for s, n in zip(SHAPES, ("kernel", "bias"))
    ]
    for variable in variables:
        variable.constraint = constraint(library) if constraint else None
    return variables


def gradients(steps=STEPS):
    """Random gradients, large and small in turn."""
    rng = np.random.default_rng(2)
    return [[rng.normal(scale=(3.0, 0.1, 1.0)[i % 3], size=s).astype("float32") for s in SHAPES] for i in range(steps)]


def trajectory(optimizer, variables, steps=STEPS):
    """The values of all variables after every step, flat."""
    path, apply = [], optimizer.apply
    if isinstance(optimizer, keras.Optimizer) and optimizer.gradient_accumulation_steps:
        apply = compiled_apply(optimizer, variables)
    for grads in gradients(steps):
        apply([jnp.asarray(g) for g in grads], variables)
        path.append(np.concatenate([np.ravel(np.asarray(v.value)) for v in variables]))
    return np.stack(path)


def compiled_apply(optimizer, variables):
    """Keras's `apply`, compiled: each of its steps compiles anew where it accumulates."""
    optimizer.build(variables)
    update = jax.jit(optimizer.stateless_apply)

    def apply(grads, variables):
        state = [v.value for v in optimizer.variables]
        values, state = update(state, grads, [v.value for v in variables])
        for variable, value in zip([*variables, *optimizer.variables], [*values, *state]):
            variable.assign(value)

    return apply


def both(name, **arguments):
    """(ours, Keras's) with the same arguments; a callable argument is called with the library."""
    return [
        getattr(library.optimizers, name)(**{k: v(library) if callable(v) else v for k, v in arguments.items()})
        for library in (pw, keras)
    ]


def assert_same_path(name, constraint=None, **arguments):
    ours, theirs = both(name, **arguments)
    path = trajectory(ours, start(pw, constraint))
    np.testing.assert_allclose(path, trajectory(theirs, start(keras, constraint)), rtol=1e-5, atol=1e-6)
    assert int(theirs.iterations) == ours.iterations
    return path


X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]] + 1).astype("float32")


def linear(library, optimizer, **arguments):
    """A compiled linear model that begins at ones."""
    x = library.Input((3,))
    model = library.Model(x, library.layers.Dense(1, kernel_initializer="ones", **arguments)(x))
    model.compile(optimizer, "mse")
    return model


def train(model, epochs=1, **arguments):
    return model.fit(X, Y, batch_size=4, epochs=epochs, shuffle=False, verbose=0, **arguments).history["loss"]


# -- against Keras


def test_the_tables_have_every_registered_optimizer():
    assert set(OWN) == set(ALL)


@pytest.mark.parametrize("name", sorted([*ALL, "Optimizer"]))
def test_the_arguments_are_those_of_keras(name):
    ours, theirs = getattr(optimizers, name), getattr(keras.optimizers, name)
    assert arguments(ours) == arguments(theirs)


@pytest.mark.few(7)
@pytest.mark.parametrize("name", sorted(ALL))
def test_the_steps_with_no_argument_given_are_those_of_keras(name):
    assert_same_path(name)


@pytest.mark.parametrize(("name", "options", "shared"), WITH_SHARED)
@pytest.mark.few(7)
def test_the_steps_with_a_shared_argument_are_those_of_keras(name, options, shared):
    # Keras also averages in the steps that only accumulate; see the test of averages under accumulation.
    path = assert_same_path(name, **{"learning_rate": 0.05, **options, **SHARED[shared]})
    plain = trajectory(getattr(pw.optimizers, name)(**{"learning_rate": 0.05, **options}), start(pw))
    only_kept = shared == "use_ema"
    scale_free = shared == "loss_scale_factor" and name != "SGD"
    assert np.allclose(path, plain, atol=1e-3) == only_kept or scale_free


def test_positional_arguments_are_taken_in_keras_order():
    values = {"AdamW": (0.1, 0.2, 0.8, 0.9, 1e-3, True, 0.5, None, None, True, 0.7, 2, 4.0, 3, "mine")}
    values["SGD"] = (0.1, 0.5, True, 0.2, None, 0.5, None, True, 0.7, 2, 4.0, 3, "mine")
    for name, passed in values.items():
        ours, theirs = getattr(pw.optimizers, name)(*passed), getattr(keras.optimizers, name)(*passed)
        config = theirs.get_config()
        assert ours.get_config() == {**config, "learning_rate": pytest.approx(config["learning_rate"])}


@pytest.mark.parametrize("name", sorted(ALL))
@pytest.mark.parametrize("constraint", ["NonNeg", "UnitNorm"])
@pytest.mark.few(6)
def test_constraints_hold_after_every_step_as_in_keras(name, constraint):
    path = assert_same_path(
        name,
        lambda library: (
            getattr(library.constraints, constraint)(axis=0)
            if constraint == "UnitNorm"
            else library.constraints.NonNeg()
        ),
        learning_rate=0.1,
    )
    if constraint == "NonNeg":
        assert (path >= 0).all() and (path == 0).any()
    else:
        np.testing.assert_allclose(np.linalg.norm(path[:, 6:], axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("exclude", [{"var_names": ["bias"]}, {"var_names": ["^k.*l$", "other"]}, {"index": 0}])
def test_variables_are_left_out_of_the_weight_decay_as_in_keras(exclude):
    paths = []
    for library in (pw, keras):
        variables = start(library)
        optimizer = library.optimizers.AdamW(0.05, weight_decay=0.9)
        if "index" in exclude:
            optimizer.exclude_from_weight_decay(var_list=[variables[exclude["index"]]])
        else:
            optimizer.exclude_from_weight_decay(**exclude)
        paths.append(trajectory(optimizer, variables))
    decayed = trajectory(pw.optimizers.AdamW(0.05, weight_decay=0.9), start(pw))
    np.testing.assert_allclose(*paths, rtol=1e-5, atol=1e-6)
    assert not np.allclose(paths[0], decayed)


def test_a_layers_name_selects_its_variables_for_the_exclusion():
    optimizer = optimizers.SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["head"])
    model = linear(pw, optimizer, name="head")
    plain = linear(pw, optimizers.SGD(0.1))
    assert train(model) == train(plain)


@pytest.mark.parametrize(
    "arguments",
    [
        {"use_ema": True, "ema_momentum": 0.8},
        {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 2},
        {"gradient_accumulation_steps": 2},
        {"loss_scale_factor": 16.0},
        {"learning_rate": lambda library: library.optimizers.schedules.ExponentialDecay(0.2, 2, 0.5)},
        {
            "learning_rate": lambda library: library.optimizers.schedules.ExponentialDecay(0.2, 2, 0.5),
            "gradient_accumulation_steps": 2,
        },
        {"name": "Muon", "clipnorm": 0.5},
        {"name": "Adafactor", "use_ema": True, "ema_momentum": 0.5},
        {"name": "Nadam", "gradient_accumulation_steps": 2},
        {
            "name": "ScheduleFreeAdamW",
            "learning_rate": lambda library: library.optimizers.schedules.ExponentialDecay(0.2, 2, 0.5),
        },
        {"name": "Lamb", "weight_decay": 0.1},
    ],
    ids=[
        "averages",
        "averages overwrite",
        "accumulation",
        "loss scale",
        "schedule",
        "schedule under accumulation",
        "Muon",
        "Adafactor",
        "Nadam",
        "ScheduleFreeAdamW",
        "Lamb",
    ],
)
@pytest.mark.few(4)
def test_fit_ends_where_keras_ends(arguments):
    own = {} if "name" in arguments else {"name": "SGD", "momentum": 0.5}
    pair = both(**{"learning_rate": 0.1, **own, **arguments})
    ours, theirs = linear(pw, pair[0]), linear(keras, pair[1])
    np.testing.assert_allclose(train(ours, 3), train(theirs, 3), rtol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert pair[0].learning_rate == pytest.approx(float(pair[1].learning_rate))
    assert pair[0].iterations == int(pair[1].iterations)


# -- where Keras differs


@pytest.mark.parametrize("frequency", [None, 2])
def test_averages_under_accumulation_are_taken_once_an_update(frequency):
    averaging = {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": frequency}
    every = optimizers.SGD(0.1, gradient_accumulation_steps=2, **averaging)
    once = optimizers.SGD(0.1, **averaging)
    accumulated, updated = start(pw), start(pw)
    grads = gradients(8)
    for first, second in zip(grads[::2], grads[1::2]):
        every.apply(first, accumulated)
        every.apply(second, accumulated)
        once.apply([(a + b) / 2 for a, b in zip(first, second)], updated)
        for a, b in zip(accumulated, updated):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)
    every.finalize_variable_values(accumulated)
    once.finalize_variable_values(updated)
    for a, b in zip(accumulated, updated):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("frequency", [None, 3])
def test_averages_are_of_what_the_constraint_leaves(frequency):
    optimizer = optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=frequency)
    variables = start(pw, lambda library: library.constraints.NonNeg())
    values = [np.asarray(v.numpy(), np.float64) for v in variables]
    averages = None
    for i, grads in enumerate(gradients(), 1):
        optimizer.apply(grads, variables)
        values = [np.maximum(v - 0.5 * g, 0) for v, g in zip(values, grads)]
        averages = values if averages is None else [0.5 * a + 0.5 * v for a, v in zip(averages, values)]
        values = averages if frequency and i % frequency == 0 else values
    for variable, value in zip(variables, values):
        np.testing.assert_allclose(variable.numpy(), value, rtol=1e-5, atol=1e-6)
    optimizer.finalize_variable_values(variables)
    for variable, average in zip(variables, averages):
        np.testing.assert_allclose(variable.numpy(), average, rtol=1e-5, atol=1e-6)


def test_a_constraint_holds_also_when_averages_replace_the_parameters():
    optimizer = optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    variables = start(pw, lambda library: library.constraints.UnitNorm())
    path = trajectory(optimizer, variables, 4)
    np.testing.assert_allclose(np.linalg.norm(path[:, 6:], axis=1), 1, rtol=1e-5)


# -- what must always hold


@given(
    st.sampled_from(sorted(ALL)),
    st.integers(2, 4),
    st.lists(st.floats(-4, 4, width=16), min_size=4, max_size=4),
)
@settings(max_examples=12, deadline=None)
def test_accumulating_equal_gradients_is_one_step_with_them(name, every, gradient):
    gradient = [np.float32(gradient)]
    once, several = ALL[name](0.1), ALL[name](0.1, gradient_accumulation_steps=every)
    a, b = pw.Variable(np.ones(4, np.float32)), pw.Variable(np.ones(4, np.float32))
    once.apply(gradient, [a])
    for _ in range(every - 1):
        several.apply(gradient, [b])
        np.testing.assert_array_equal(b.numpy(), np.ones(4))
    several.apply(gradient, [b])
    np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-5, atol=1e-6)


@given(
    st.sampled_from(["clipnorm", "clipvalue", "global_clipnorm"]),
    st.floats(0.01, 10),
    st.lists(st.floats(-1e6, 1e6, width=32, allow_subnormal=False), min_size=6, max_size=6),
)
@settings(max_examples=25, deadline=None)
def test_a_clipped_step_is_no_longer_than_its_bound_and_a_short_one_is_left(kind, bound, entries):
    grads = [np.float32(entries[:4]), np.float32(entries[4:])]
    variables = [pw.Variable(np.zeros(4, np.float32)), pw.Variable(np.zeros(2, np.float32))]
    optimizers.SGD(1.0, **{kind: bound}).apply(grads, variables)
    moves = [-v.numpy().astype(np.float64) for v in variables]
    together = (np.concatenate(moves), np.concatenate(grads).astype(np.float64))
    pairs = [together] if kind == "global_clipnorm" else list(zip(moves, grads))
    for move, grad in pairs:
        size = np.linalg.norm if kind != "clipvalue" else lambda x: np.abs(x).max()
        assert size(move) <= bound * (1 + 1e-5)
        if size(grad.astype(np.float64)) <= bound * (1 - 1e-5):
            np.testing.assert_array_equal(move, grad)


@given(st.lists(st.sets(st.integers(0, 2), min_size=1), min_size=2, max_size=8))
@settings(max_examples=25, deadline=None)
def test_a_variables_momentum_survives_however_others_and_itself_come_and_go(active):
    optimizer = optimizers.SGD(0.5, momentum=0.5)
    variables = [pw.Variable(np.zeros(2, np.float32)) for _ in range(3)]
    values, velocity = np.zeros((3, 2)), np.zeros((3, 2))
    for step, chosen in enumerate(active):
        grads = {i: np.float32([i + 1, step - 2]) for i in sorted(chosen)}
        optimizer.apply(list(grads.values()), [variables[i] for i in grads])
        for i, grad in grads.items():
            velocity[i] = 0.5 * velocity[i] - 0.5 * grad
            values[i] += velocity[i]
    np.testing.assert_allclose([v.numpy() for v in variables], values, rtol=1e-6, atol=1e-6)
    assert optimizer.iterations == len(active)


@pytest.mark.parametrize(("name", "options"), [(name, OWN[name][-1]) for name in OWN])
@pytest.mark.few(8)
def test_the_update_is_pure_and_compiles_to_the_same_numbers(name, options):
    optimizer = ALL[name](**{"learning_rate": 0.05, **options, "use_ema": True, "gradient_accumulation_steps": 2})
    variables, by_hand = start(pw), start(pw)
    params = [v.numpy() for v in variables]
    state = first = optimizer.init(params, variables)
    update = jax.jit(lambda grads, state, params: optimizer.update(grads, state, params, variables))
    for grads in gradients(4):
        params, state = update(grads, state, params)
    trajectory(optimizer, by_hand, 4)
    assert first["iterations"] == 0
    for a, b in zip(params, by_hand):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.few(7)
@pytest.mark.parametrize("name", sorted(ALL))
def test_the_dtype_of_a_variable_is_kept(name):
    optimizer = ALL[name](0.1, weight_decay=0.1, use_ema=True, ema_overwrite_frequency=1)
    variable = pw.Variable(jnp.ones(3, "bfloat16"), dtype="bfloat16")
    optimizer.apply([jnp.ones(3, "float32")], [variable])
    assert variable.dtype == "bfloat16"
    assert (np.asarray(variable.value, np.float32) < 1).all()


# -- the learning rate, and the trainable set


def test_an_assigned_learning_rate_holds_from_the_next_step_on():
    models = [linear(library, library.optimizers.SGD(0.2, momentum=0.5)) for library in (pw, keras)]
    for rate in (None, 0.01, 0.1):
        for model in models:
            if rate is not None:
                model.optimizer.learning_rate = rate
            train(model)
        for a, b in zip(*(m.get_weights() for m in models)):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert models[0].optimizer.learning_rate == pytest.approx(0.1)
    models[0].optimizer.learning_rate = 0.0
    models[0].optimizer.state["slots"]["momentum"] = [
        np.zeros_like(s) for s in models[0].optimizer.state["slots"]["momentum"]
    ]
    before = models[0].get_weights()
    train(models[0])
    for a, b in zip(models[0].get_weights(), before):
        np.testing.assert_array_equal(a, b)


def test_momentum_is_found_again_after_a_layer_was_frozen_for_a_fit():
    x = pw.Input((3,))
    first, second = pw.layers.Dense(2, name="first"), pw.layers.Dense(1)
    model = pw.Model(x, second(first(x)))
    model.compile(optimizers.SGD(0.05, momentum=0.5), "mse")
    train(model, epochs=2)
    before = first.kernel.numpy()
    model.optimizer.learning_rate = 0.0  # from here on only what the momentum kept moves the weights
    model.fit(X, Y, batch_size=12, verbose=0)
    moved = first.kernel.numpy() - before
    first.trainable = False
    model.fit(X, Y, batch_size=12, epochs=3, verbose=0)
    np.testing.assert_array_equal(first.kernel.numpy(), before + moved)
    first.trainable = True
    at = first.kernel.numpy()
    model.fit(X, Y, batch_size=12, verbose=0)
    assert np.abs(moved).max() > 1e-3
    np.testing.assert_allclose(first.kernel.numpy() - at, 0.5 * moved, rtol=1e-4, atol=1e-7)


def test_the_variables_of_the_last_time_are_the_default_of_apply():
    variable = pw.Variable(np.float32([1.0]))
    optimizer = optimizers.SGD(0.5)
    optimizer.build([variable])
    optimizer.apply([np.float32([1.0])])
    assert optimizer.apply_gradients([(np.float32([1.0]), variable)]) == 2
    assert variable.numpy() == [0.0]


# -- names and configs


@pytest.mark.parametrize(
    "name", ["sgd", "SGD", "rmsprop", "RMSProp", "RMSprop", "adam", "ADAM", "adamw", "AdamW", "adam_w"]
)
def test_a_name_gives_the_optimizer_whatever_its_case(name):
    assert type(optimizers.get(name)).__name__.lower() == name.lower().replace("_", "")


def test_an_object_and_none_are_taken_as_they_are_and_a_class_is_made():
    optimizer = optimizers.SGD()
    assert optimizers.get(optimizer) is optimizer
    assert optimizers.get(None) is None
    assert isinstance(optimizers.get(optimizers.Adam), optimizers.Adam)


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_config_is_keras_own_and_rebuilds_the_optimizer(name):
    arguments = {"learning_rate": 0.25, **OWN[name][-1], **SHARED["ema_overwrite_frequency"], "clipvalue": 0.5}
    ours, theirs = both(name, **arguments)
    ours.name = theirs.name
    again = optimizers.deserialize(optimizers.serialize(ours))
    assert ours.get_config() == theirs.get_config() == again.get_config()
    assert type(again) is type(ours) is type(optimizers.get(optimizers.serialize(ours)))
    np.testing.assert_array_equal(trajectory(ours, start(pw)), trajectory(again, start(pw)))


def test_the_config_has_the_learning_rate_that_was_assigned():
    optimizer = optimizers.SGD(0.5)
    optimizer.learning_rate = 0.125
    assert optimizers.SGD.from_config(optimizer.get_config()).learning_rate == 0.125


def test_numbers_of_numpy_are_numbers():
    optimizer = optimizers.SGD(np.float32(0.5), np.float32(0.5), clipnorm=np.float64(1), weight_decay=np.float32(0.5))
    assert optimizer.get_config()["momentum"] == 0.5
    optimizer.learning_rate = np.array(0.25)
    assert optimizer.learning_rate == 0.25


# -- optax


def test_an_optax_transformation_by_hand_does_what_optax_does():
    transformation = optax.chain(optax.clip_by_global_norm(0.5), optax.adam(0.1), optax.scale(0.5))
    variables = start(pw)
    params = [jnp.asarray(v.numpy()) for v in variables]
    state = transformation.init(params)
    optimizer = optimizers.get(transformation)
    for grads in gradients(4):
        optimizer.apply(grads, variables)
        updates, state = transformation.update(grads, state, params)
        params = optax.apply_updates(params, updates)
    for variable, param in zip(variables, params):
        np.testing.assert_allclose(variable.numpy(), param, rtol=1e-6)
    assert optimizer.iterations == 4


@pytest.mark.parametrize(
    ("transformation", "same_as"),
    [
        (lambda: optax.sgd(0.1, momentum=0.5), lambda: optimizers.SGD(0.1, momentum=0.5)),
        (lambda: optax.chain(optax.clip(0.5), optax.sgd(0.1)), lambda: optimizers.SGD(0.1, clipvalue=0.5)),
        (lambda: optax.inject_hyperparams(optax.adam)(0.1, eps=0.0), lambda: optimizers.Adam(0.1, epsilon=0.0)),
        (lambda: optax.MultiSteps(optax.sgd(0.1), 2), lambda: optimizers.SGD(0.1, gradient_accumulation_steps=2)),
    ],
    ids=["sgd", "chain", "inject_hyperparams", "MultiSteps"],
)
def test_a_model_trains_with_an_optax_transformation(transformation, same_as):
    with_optax, with_ours = linear(pw, transformation()), linear(pw, same_as())
    np.testing.assert_allclose(train(with_optax, 2), train(with_ours, 2), rtol=1e-5)


@pytest.mark.parametrize(
    "wrap", [lambda t: t, lambda t: optax.chain(optax.clip(100.0), t)], ids=["alone", "in a chain"]
)
def test_an_injected_learning_rate_is_read_and_assigned_before_and_between_fits(wrap):
    model = linear(pw, wrap(optax.inject_hyperparams(optax.sgd)(0.5)))
    plain = linear(pw, optimizers.SGD(0.25))
    optimizer = model.optimizer
    assert optimizer.learning_rate == 0.5
    optimizer.learning_rate = 0.25
    assert optimizer.learning_rate == 0.25
    np.testing.assert_allclose(train(model), train(plain), rtol=1e-5)
    optimizer.learning_rate = plain.optimizer.learning_rate = 0.0625
    np.testing.assert_allclose(train(model), train(plain), rtol=1e-5)
    assert optimizer.learning_rate == 0.0625


def test_an_assigned_rate_of_optax_survives_a_change_of_the_trainable_set():
    optimizer = optimizers.get(optax.inject_hyperparams(optax.sgd)(0.5))
    a, b = pw.Variable(np.float32([1.0])), pw.Variable(np.float32([1.0]))
    optimizer.apply([np.float32([1.0])], [a])
    optimizer.learning_rate = 0.125
    optimizer.apply([np.float32([1.0])] * 2, [a, b])
    assert (a.numpy()[0], b.numpy()[0]) == (0.375, 0.875)


def test_the_constraints_hold_under_optax():
    variable = pw.Variable(np.float32([1.0, 0.1]), constraint=pw.constraints.NonNeg())
    optimizers.get(optax.sgd(0.5)).apply([np.float32([1.0, 1.0])], [variable])
    np.testing.assert_array_equal(variable.numpy(), [0.5, 0.0])


# -- mistakes


def _applied(*grads, **arguments):
    return optimizers.SGD(**arguments).apply(list(grads), [pw.Variable(np.float32([1.0]))])


def _used():
    optimizer = optimizers.SGD(0.1)
    optimizer.build([pw.Variable(np.float32([1.0]))])
    return optimizer


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimizers.get("adma"), "Unknown optimizer 'adma'. Did you mean 'adam'?"),
        (lambda: optimizers.get(3), "Could not interpret 3 as optimizer"),
        (lambda: optimizers.get(optax.adam), r"Could not interpret <function adam.*optax.adam\(1e-3\)"),
        (lambda: optimizers.get(keras.optimizers.SGD()), "give a name, an object of phasewise.optimizers"),
        (lambda: optimizers.SGD(-0.1), "A learning rate is a number of at least 0.*; got -0.1"),
        (lambda: optimizers.SGD("0.1"), "A learning rate is a number of at least 0.*; got '0.1'"),
        (lambda: optimizers.SGD(True), "A learning rate is a number of at least 0.*; got True"),
        (lambda: optimizers.SGD(float("nan")), "A learning rate is a number of at least 0.*; got nan"),
        (lambda: optimizers.SGD(lr=0.1), "SGD has no argument 'lr'. It is called learning_rate."),
        (lambda: optimizers.SGD(decay=0.1), "SGD has no argument 'decay'. Give a schedule"),
        (lambda: optimizers.Adam(beta1=0.1), "Adam has no argument 'beta1'. Did you mean 'beta_1'?"),
        (lambda: optimizers.SGD(momentum=1.5), r"momentum must be in \[0, 1\]; got 1.5"),
        (lambda: optimizers.SGD(momentum="high"), r"momentum must be in \[0, 1\]; got 'high'"),
        (lambda: optimizers.RMSprop(rho=-1), r"rho must be in \[0, 1\]; got -1"),
        (lambda: optimizers.RMSprop(epsilon=-1), "epsilon must be at least 0; got -1"),
        (lambda: optimizers.Adam(beta_1=1.0), r"beta_1 must be in \[0, 1\); got 1.0"),
        (lambda: optimizers.Adam(beta_2=-0.1), r"beta_2 must be in \[0, 1\); got -0.1"),
        (lambda: optimizers.AdamW(weight_decay=None), "AdamW needs a weight_decay; without one, use Adam"),
        (lambda: optimizers.Adam(weight_decay=-1), "weight_decay must be at least 0; got -1"),
        (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=2.0), "Only one of clipnorm, clipvalue and global_clipnorm"),
        (lambda: optimizers.Adam(clipnorm=0), "clipnorm must be a positive number; got 0"),
        (lambda: optimizers.Adam(global_clipnorm="1"), "global_clipnorm must be a positive number; got '1'"),
        (lambda: optimizers.Adam(ema_momentum=2.0), r"ema_momentum must be in \[0, 1\]; got 2.0"),
        (
            lambda: optimizers.Adam(use_ema=True, ema_overwrite_frequency=0),
            "ema_overwrite_frequency must be an integer of at least 1, or None; got 0",
        ),
        (
            lambda: optimizers.Adam(gradient_accumulation_steps=1),
            "gradient_accumulation_steps must be an integer of at least 2, or None; got 1",
        ),
        (
            lambda: optimizers.Adam(gradient_accumulation_steps=2.5),
            "gradient_accumulation_steps must be an integer of at least 2, or None; got 2.5",
        ),
        (lambda: optimizers.Adam(loss_scale_factor=-2), "loss_scale_factor must be at least 0; got -2"),
        (lambda: _applied(None), "A gradient is None: every parameter needs one"),
        (lambda: _applied(), "apply needs one gradient for each variable; got 0 for 1"),
        (lambda: optimizers.SGD().apply([np.ones(2)]), r"knows no variables yet: give them, apply\(grads, variables\)"),
        (lambda: _used().exclude_from_weight_decay(var_names=["bias"]), "must be called before the first step"),
        (lambda: optimizers.get(optax.adam(0.1)).get_config(), "cannot be written to a config"),
    ],
)
def test_a_mistake_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def _assign(optimizer, value):
    optimizer.learning_rate = value


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: _assign(optimizers.SGD(optimizers.schedules.CosineDecay(0.1, 10)), 0.1),
            TypeError,
            "follows a schedule: a number cannot be assigned to it",
        ),
        (lambda: _assign(optimizers.SGD(), -1), ValueError, "A learning rate is a number of at least 0"),
        (
            lambda: optimizers.get(optax.adam(0.1)).learning_rate,
            AttributeError,
            r"make it with optax.inject_hyperparams",
        ),
        (
            lambda: _assign(optimizers.get(optax.inject_hyperparams(optax.sgd)(optax.linear_schedule(1, 0, 5))), 0.1),
            TypeError,
            "injected as a schedule: it cannot be assigned",
        ),
    ],
)
def test_a_learning_rate_that_cannot_be_had_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_optimizer_of_ones_own_needs_only_slots_and_a_step():
    class Lazy(optimizers.Optimizer):
        slots = ("sum",)

        def step(self, grad, param, slots, rate, iteration):
            total = slots["sum"] + grad
            return param - rate * total * iteration, {"sum": total}

        def init_extra(self, params):
            return {"even": np.float32(0)}

        def update_extra(self, state, iteration):
            return {"even": 1 - state["even"]}

    variable = pw.Variable(np.float32([0.0]))
    optimizer = Lazy(0.5, clipvalue=1.0)
    for step in range(2):
        optimizer.apply([np.float32([3.0])], [variable])
        assert optimizer.state["even"] == 1 - step
    assert variable.numpy() == [-(0.5 * 1 * 1 + 0.5 * 2 * 2)]
    with pytest.raises(NotImplementedError, match="Optimizer must define `step`"):
        optimizers.Optimizer(0.1).apply([np.float32([1.0])], [variable])

"""Twenty steps of a model of three layers with batch normalization end within 1e-6 of where Keras's optimizer ends."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw
from optimizer_table import OWN, SHARED

STEPS = 20
RATE = {"Ftrl": 0.2, "Muon": 0.02, "Lion": 0.01, "Adadelta": 1.0}
SCHEDULES = {
    "ExponentialDecay": (0.1, 5, 0.5),
    "PiecewiseConstantDecay": ([3, 9], [0.1, 0.05, 0.01]),
    "PolynomialDecay": (0.1, 15),
    "InverseTimeDecay": (0.1, 4, 0.5),
    "CosineDecay": (0.02, 12, 0.1, "CosineDecay", 0.1, 4),
    "CosineDecayRestarts": (0.1, 6),
}
ROWS = [(name, options) for name in OWN for options in OWN[name]]
ROWS += [(name, shared) for shared in SHARED.values() for name in ("Adafactor", "Muon")]
ROWS += [("SGD", {"momentum": 0.5, "learning_rate": schedule}) for schedule in SCHEDULES]
ROWS += [("Ftrl", {"learning_rate": "PolynomialDecay"}), ("Muon", {"learning_rate": "CosineDecayRestarts"})]


@pytest.fixture(scope="module")
def problem():
    """(the trained variables of a model, the gradients of its loss as a function of their values and of the step)."""
    pw.set_random_seed(5)
    layers = pw.layers
    model = pw.Sequential(
        [
            pw.Input((3,)),
            layers.Dense(4, "tanh", name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(3, "tanh", name="second"),
            layers.Dense(1, name="head"),
        ]
    )
    function, params, state = pw.pure(model)
    rng = np.random.default_rng(3)
    x = rng.normal(size=(STEPS, 8, 3)).astype("float32")
    y = rng.normal(size=(STEPS, 8, 1)).astype("float32")
    names = list(params)

    @jax.jit
    def gradients(values, step):
        def loss(values):
            outputs, _ = function(dict(zip(names, values)), state, jnp.asarray(x)[step], training=True)
            return jnp.mean((outputs - jnp.asarray(y)[step]) ** 2)

        return jax.grad(loss)(values)

    return model.trainable_variables, gradients


def made(library, name, options):
    options = {"learning_rate": RATE.get(name, 0.05), **options}
    rate = options["learning_rate"]
    if isinstance(rate, str):
        options["learning_rate"] = getattr(library.optimizers.schedules, rate)(*SCHEDULES[rate])
    return getattr(library.optimizers, name)(**options)


def copies(library, variables):
    """Variables of the same paths and values."""
    made = []
    for variable in variables:
        made.append(library.Variable(np.asarray(variable.numpy()), name=variable.name))
        if library is pw:
            made[-1].path = variable.path
        else:
            made[-1]._path = variable.path
    return made


@pytest.mark.parametrize(("name", "options"), ROWS)
@pytest.mark.few(7)
def test_twenty_steps_end_where_keras_ends(problem, name, options):
    trained, gradients = problem
    optimizer, reference = (made(library, name, options) for library in (pw, keras))
    ours, theirs = (copies(library, trained) for library in (pw, keras))
    reference.build(theirs)
    held, values = [v.value for v in reference.variables], [v.value for v in theirs]
    step_of_keras = jax.jit(reference.stateless_apply)
    for step in range(STEPS):
        grads = gradients([jnp.asarray(v.raw) for v in ours], step)
        optimizer.apply(grads, ours)
        values, held = step_of_keras(held, grads, values)
    assert max(np.abs(v.numpy() - before.numpy()).max() for v, before in zip(ours, trained)) > 1e-2
    for variable, value in zip(ours, values):
        np.testing.assert_allclose(variable.numpy(), value, rtol=1e-6, atol=1e-6, err_msg=variable.path)
    assert [v.shape for v in optimizer.variables] == [v.shape for v in reference.variables]
    for kept, value in zip(optimizer.variables, held):
        np.testing.assert_allclose(kept.numpy(), value, rtol=1e-5, atol=1e-5, err_msg=kept.path)

"""A name that a public module does not have: the message says which one is near."""

import copy
import importlib
import inspect
import pickle
import sys
import types

import pytest

import phasewise as pw
from phasewise import losses, metrics, optimizers
from phasewise.core import registry

NEAR = {
    "config": ("set_flotax", "set_floatx"),
    "dtype_policies": ("DTypePolcy", "DTypePolicy"),
    "mixed_precision": ("Polcy", "Policy"),
    "ops.image": ("resise", "resize"),
    "ops.linalg": ("colesky", "cholesky"),
    "ops.nn": ("max_pol", "max_pool"),
    "ops.numpy": ("matmull", "matmul"),
    "random": ("unifrom", "uniform"),
    "tree": ("flaten", "flatten"),
    "activations": ("leaky_rellu", "leaky_relu"),
    "constraints": ("MaxNrom", "MaxNorm"),
    "initializers": ("GlorotUnifrom", "GlorotUniform"),
    "losses": ("MeanSquarredError", "MeanSquaredError"),
    "metrics": ("BinaryAcuracy", "BinaryAccuracy"),
    "optimizers": ("Adamm", "Adam"),
    "optimizers.schedules": ("CosinDecay", "CosineDecay"),
    "regularizers": ("OrthogonalRegulariser", "OrthogonalRegularizer"),
}
modules = pytest.mark.parametrize("name", NEAR)


@pytest.fixture
def module(monkeypatch):
    """A module of the name "shop", empty but for its `__getattr__`."""
    made = types.ModuleType("shop")
    made.__getattr__ = registry.near_names("shop")
    monkeypatch.setitem(sys.modules, "shop", made)
    return made


def message(module, name):
    """What is said when the module is asked for a name that it does not have."""
    with pytest.raises(AttributeError) as caught:
        getattr(module, name)
    return str(caught.value)


@modules
def test_a_misspelt_name_is_answered_with_the_nearest(name):
    asked, near = NEAR[name]
    module = importlib.import_module(f"phasewise.{name}")
    assert message(module, asked) == f"phasewise.{name} has no {asked!r}. Did you mean {near!r}?"


@modules
def test_a_name_that_is_near_nothing_is_refused_without_a_guess(name):
    module = importlib.import_module(f"phasewise.{name}")
    assert message(module, "qqqq") == f"phasewise.{name} has no 'qqqq'."


@modules
def test_dunder_names_fail_at_once_with_pythons_own_message(name, monkeypatch):
    monkeypatch.setattr(registry, "nearest", pytest.fail)
    module = importlib.import_module(f"phasewise.{name}")
    assert message(module, "__wrapped__") == f"module 'phasewise.{name}' has no attribute '__wrapped__'"
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(module)
    with pytest.raises(TypeError, match="pickle"):
        copy.copy(module)


@modules
def test_every_public_name_exists_and_star_gives_them(name):
    module, names = importlib.import_module(f"phasewise.{name}"), {}
    exec(f"from phasewise.{name} import *", names)
    assert set(names) - {"__builtins__"} == set(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)


def test_of_a_class_and_a_function_the_one_written_alike_is_near():
    assert message(losses, "Hing").endswith("Did you mean 'Hinge'?")
    assert message(losses, "hing").endswith("Did you mean 'hinge'?")


def test_a_submodule_can_be_near_where_it_is_public():
    assert message(optimizers, "shedules").endswith("Did you mean 'schedules'?")
    assert "Did you mean" not in message(metrics, "confusoin")


def test_names_are_looked_for_at_the_time_of_the_miss(module):
    assert message(module, "aple") == "shop has no 'aple'."
    module.apple = 1
    assert message(module, "aple") == "shop has no 'aple'. Did you mean 'apple'?"


def test_without_all_what_was_imported_and_what_is_private_is_not_near(module):
    module.jnp, module._apple = sys, 1
    assert message(module, "jnq") == "shop has no 'jnq'."
    assert message(module, "aple") == "shop has no 'aple'."


def test_with_all_its_names_only_are_near(module):
    module.__all__, module.apple, module.apply = ["apply"], 1, 2
    assert message(module, "appla") == "shop has no 'appla'. Did you mean 'apply'?"


def test_a_module_that_is_not_there_yet_has_no_near_names():
    refuse = registry.near_names("not.imported.yet")
    with pytest.raises(AttributeError, match=r"^not.imported.yet has no 'x'\.$"):
        refuse("x")


def test_python_adds_no_guess_of_its_own(module):
    module.apple = 1
    with pytest.raises(AttributeError) as caught:
        module.aple  # noqa: B018
    assert caught.value.obj is None


def test_asking_for_what_a_module_may_have_goes_on_working():
    assert not hasattr(losses, "MeanSquarredError")
    assert getattr(losses, "MeanSquarredError", None) is None
    assert inspect.unwrap(losses) is losses
    with pytest.raises(ImportError, match=r"cannot import name 'MaxNrom' from 'phasewise\.constraints'"):
        exec("from phasewise.constraints import MaxNrom")


@pytest.mark.parametrize(
    "asked, near",
    [("bm", "bn"), ("nb", "bn"), ("cn", None), ("zz", None)],
    ids=["one letter", "swapped", "one of two", "none"],
)
def test_a_name_of_two_letters_is_near_the_only_one_that_shares_a_letter_in_its_place(asked, near):
    model = pw.Sequential([pw.Input((2,)), *(pw.layers.Dense(1, name=name) for name in ("bn", "c1", "c2"))])
    with pytest.raises(ValueError, match=f"has no layer '{asked}'") as raised:
        model.get_layer(asked)
    assert ("Did you mean" in str(raised.value)) == (near is not None)
    assert near is None or f"Did you mean {near!r}?" in str(raised.value)

"""An argument that is missing: the message says which one, and shows a call that works."""

import importlib
import inspect

import optax
import pytest

import phasewise as pw
from phasewise import layers, losses, metrics, models, optimizers

MODULES = "layers metrics optimizers optimizers.schedules callbacks utils wrappers"


def needing_classes():
    """The public classes that cannot be made of nothing, by name; those of a user's own to subclass aside."""
    for module in MODULES.split():
        for name in dir(importlib.import_module(f"phasewise.{module}")):
            item = getattr(importlib.import_module(f"phasewise.{module}"), name)
            if not inspect.isclass(item) or not item.__module__.startswith("phasewise.") or name[0] == "_":
                continue
            parameters = list(inspect.signature(item.__init__).parameters.values())[1:]
            if any(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
                yield f"{module}.{name}", item


CLASSES = dict(needing_classes())


def told(call):
    with pytest.raises(TypeError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_class_made_of_nothing_says_what_it_needs_and_the_example_works(name, tmp_path, monkeypatch):
    item = CLASSES[name]
    if name.startswith("wrappers."):
        pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    said = told(item)
    assert said.startswith(f"{item.__name__} needs ") and " It takes: " in said
    example = said.split("For example: ")[1].split(". It takes: ")[0]
    known = {**vars(layers), **vars(optimizers), "optax": optax, "mean_squared_error": losses.mean_squared_error}
    model = pw.Sequential([layers.Dense(1)])
    assert type(eval(example, {**known, "model": model, item.__name__: item})) is item


def test_what_is_missing_is_named_alone_and_the_example_is_a_whole_call():
    assert "Conv2D needs kernel_size, which was not given. For example: Conv2D(filters=16, kernel_size=3)." in told(
        lambda: layers.Conv2D(3)
    )
    assert "Embedding needs input_dim and output_dim, which were not given." in told(layers.Embedding)
    assert "Dense needs units, which was not given." in told(lambda: layers.Dense(activation="relu"))


def test_a_keyword_that_is_not_taken_is_told_before_what_is_missing():
    assert told(lambda: layers.Dense(unit=3)).startswith("Dense has no argument 'unit'. Did you mean 'units'?")


def test_functions_and_methods_say_it_too():
    said = told(lambda: losses.mean_squared_error([1.0]))
    assert said == "mean_squared_error needs y_pred, which was not given. It takes: y_true, y_pred."
    assert told(models.load_model).startswith("load_model needs filepath, which was not given.")
    assert told(pw.Sequential([layers.Dense(1)]).predict).startswith("predict needs x, which was not given.")


def test_a_subclass_that_hands_too_little_on_is_told_what_its_base_needs():
    class Own(layers.Dense):
        def __init__(self):
            super().__init__()

    class Heir(layers.Dense):
        pass

    assert told(Own).startswith("Dense needs units, which was not given. For example: Dense(units=10).")
    assert told(Heir).startswith("Heir needs units, which was not given. For example: Heir(units=10).")


def test_a_type_error_of_another_cause_stays_what_it_was():
    class Mean(metrics.MeanMetricWrapper):
        def __init__(self):
            super().__init__(fn=losses.mean_squared_error, name=len(3))

    assert told(Mean) == "object of type 'int' has no len()"


def test_python_still_reads_what_a_constructor_takes():
    assert list(inspect.signature(layers.Dense).parameters)[:2] == ["units", "activation"]

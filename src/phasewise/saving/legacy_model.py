"""Whole models in HDF5 files, as Keras 2 wrote them and Keras 3 still can: config, weights, and what the model was compiled with."""

from collections.abc import Mapping
from typing import Any

from phasewise.core.awaited import values_to_come
from phasewise.core.custom_objects import custom_object_scope
from phasewise.core.restoring import deserialize_keras_object
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.files import hdf5, json_text
from phasewise.files.file_error import FileError, told_as_damage
from phasewise.files.legacy_weights import fit_legacy, optimizer_arrays
from phasewise.models.model import Model
from phasewise.saving.keras2_config import as_today
from phasewise.saving.keras2_training import compile_arguments, give_optimizer

_CONFIG, _TRAINING = "model_config", "training_config"


def load_legacy_model(path: str, custom_objects: Mapping[str, Any] | None, compile: bool) -> Model:
    """The model in a whole-model HDF5 file.

    Raises:
        FileError: it holds no model, is damaged, speaks of a class or function that is not known, or its weights do not fit its config.
    """
    with hdf5.opened(path) as file:
        config = _json(file, _CONFIG, path)
        if config is None:
            raise FileError(
                f"{path!r} is an HDF5 file without the config of a model. If it holds weights alone, build the model and call model.load_weights."
            )
        is_keras_2 = not (hdf5.text_attribute(file, "keras_version") or "2").startswith("3")
        with custom_object_scope(custom_objects or {}), values_to_come() as awaited:
            with told_as_damage(f"{path!r} cannot be opened"):
                model = _made(config, is_keras_2)
            with told_as_damage(f"{path!r} is damaged"):
                _fill(model, path, file)
                awaited.fill()
            if compile:
                _compile(model, _json(file, _TRAINING, path), file, path, is_keras_2)
    return model


def _json(file, name, path):
    text = hdf5.text_attribute(file, name)
    return None if text is None else json_text.parsed(text.encode(), f"{name} in {path!r}")


def _made(config, is_keras_2):
    model = deserialize_keras_object(as_today(config, is_keras_2))
    if not isinstance(model, Model):
        raise FileError(f"its config describes {type(model).__name__}, which is no model")
    return model


def _fill(model, path, file):
    if model.built:
        fit_legacy(model, path, file).take()
    elif len(file.get("model_weights", ())):
        raise FileError(f"the shape of the input of {model.name!r} is not in it, so that there are no weights to fill")


def _compile(model, training, file, path, is_keras_2):
    if training is None:
        return
    with told_as_damage(f"{path!r} cannot be compiled as it says (compile=False leaves that out)"):
        model.compile(**compile_arguments(as_today(training, is_keras_2)))
    stored = optimizer_arrays(path, file)
    if stored and model.built and not give_optimizer(model, stored):
        warn(
            f"What the optimizer kept is in {path!r} in a form that {type(model.optimizer).__name__} does not take: it begins anew.",
            PhasewiseWarning,
        )

"""load_model: a model out of a file, and nothing else out of it."""

import os
from collections.abc import Mapping
from typing import Any

import phasewise.utils.feature_space  # noqa: F401  - registers what a file may be of, beside models
from phasewise.core.awaited import values_to_come
from phasewise.core.custom_objects import custom_object_scope, full_name, names_alone
from phasewise.core.newer_config import leaving_out
from phasewise.core.restoring import deserialize_keras_object
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.files import archive, assets, hdf5, json_text
from phasewise.files.archive import Archive
from phasewise.files.by_place import fit_by_place
from phasewise.files.file_error import FileError, told_as_damage
from phasewise.files.folder import Folder
from phasewise.files.kind_of_file import Kind, kind_of
from phasewise.files.names import CONFIG, KERAS_VERSION, METADATA, OURS, WEIGHTS
from phasewise.files.stored_weights import StoredWeights
from phasewise.models.model import Model
from phasewise.models.model_on_file import ModelOnFile
from phasewise.saving.legacy_model import load_legacy_model
from phasewise.training.course import put_back_course


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model, or `FeatureSpace`, in a `.keras` file, of ours or Keras's, or the model in a whole-model `.h5` file of Keras 2 or 3.

    Nothing in a file is ever run, and nothing is imported, fetched or read because a file says so: a config can only name classes and
    functions that are phasewise's own, registered, or in `custom_objects`. Sizes that a file states are held against what is
    in it before memory is taken. Values are read one after the other, so that memory holds the weights once.

    Of Keras 2 (`.h5`) are read: old arguments and class names, plain arithmetic, reductions and slices of TensorFlow in a graph, optimizers with
    `lr` and `decay` and what they kept. "hard_sigmoid" is the one that Keras 2 had, 0.2 x + 0.5 (Keras 3 reads it as its own, x / 6 + 0.5, and
    predicts something else); a model with it, saved anew, opens in Keras with custom_objects={"phasewise>keras2_hard_sigmoid": ...}. What has
    no counterpart is refused by its name.

    Args:
        filepath: path of a file, or of a folder that `save(..., zipped=False)` wrote. What it is is found by its content.
        custom_objects: dict of name -> class or function for what the file names and nobody registered.
        compile: whether to compile the model as the file says, with what its optimizer had kept.
        safe_mode: accepted for Keras's sake. Keras runs code from the file with `safe_mode=False`; here nothing does.

    Returns:
        The model, or the space as it was adapted. Where training stood is known if phasewise wrote the file: `fit` goes on as it would have gone on there.

    Raises:
        FileNotFoundError: there is nothing at `filepath`; the message names what has a similar name.
        FileError: it is no model, is damaged, or asks for what opening a file must not do; it names a class or function that
            is not known; or its weights do not fit its config, and the message names the layer and both shapes. `FileError` is
            both OSError and ValueError.
        OSError: it cannot be read.
    """
    path = os.fspath(filepath)
    kind = kind_of(path)
    with names_alone(strings_too=kind is Kind.HDF5) as found:
        model = _opened(path, kind, custom_objects, compile)
    if found:
        _warn_of_names(path, found)
    return model


def _warn_of_names(path, found):
    taken = ", ".join(f"{name!r}: {full_name(item)!r}" for name, item in found.items())
    warn(
        f"{path!r} speaks of what was not registered when it was written, by names alone; taken for them is what is registered now "
        f"({taken}). Say custom_objects={{{', '.join(f'{name!r}: {item.__name__}' for name, item in found.items())}}} if it is the same.",
        PhasewiseWarning,
    )


def _opened(path, kind, custom_objects, compile):
    if kind is Kind.ARCHIVE:
        with archive.opened(path) as members:
            return _loaded(members, custom_objects, compile)
    if kind is Kind.FOLDER:
        return _loaded(Folder(path), custom_objects, compile)
    if kind is Kind.HDF5:
        with told_as_damage(f"{path!r} cannot be opened"):
            return load_legacy_model(path, custom_objects, compile)
    raise FileError(f"{path!r} is {kind.value}, where load_model takes a .keras file.{_ADVICE.get(kind, '')}")


_ADVICE = {
    Kind.SAFETENSORS: " Build the model, and call model.load_weights.",
    Kind.JSON: " If it is the config of a model, models.model_from_json makes one without its weights.",
}


def _loaded(members: Archive | Folder, custom_objects, compile):
    path = members.path
    config = json_text.parsed(members.read(CONFIG, json_text.MOST_BYTES), f"{CONFIG} in {path!r}")
    metadata = _metadata(members)
    with custom_object_scope(custom_objects or {}), values_to_come() as awaited:
        with told_as_damage(f"{path!r} cannot be opened{_by_a_newer(metadata)}"):
            model = _described(config) if not _by_a_newer(metadata) else _described_by_a_newer(config, path)
        if compile and config.get("compile_config"):
            with told_as_damage(f"{path!r} cannot be compiled as it says (compile=False leaves that out)"):
                model.compile_from_config(config["compile_config"])
        with (
            told_as_damage(f"{path!r} is damaged"),
            members.opened(WEIGHTS) as member,
            hdf5.opened(path, member) as file,
        ):
            _take_weights(model, StoredWeights(path, [file]))
        with told_as_damage(f"{path!r} cannot be opened"):
            awaited.fill()
            assets.read_by(model, members)
            if OURS in metadata:
                put_back_course(model, metadata[OURS])
    return model


def _take_weights(model, stored):
    fit = fit_by_place(model, stored)
    kept, fit.optimizer = fit.optimizer, None
    fit.take()
    if kept is None:
        return
    try:
        model.optimizer.load_own_variables(kept)
    except ValueError as error:
        if len(kept) > _OF_AN_UNUSED_OPTIMIZER:
            warn(
                f"{stored.title!r}: what the optimizer had kept does not fit the weights that are trained, so it begins anew. {error}",
                PhasewiseWarning,
            )


_OF_AN_UNUSED_OPTIMIZER = 4
"""Keras writes that many values at most of an optimizer that was never used: counts, rates, a loss scale. They say nothing."""


def _metadata(members):
    if METADATA not in members:
        return {}
    return json_text.parsed(members.read(METADATA, 1 << 20), f"{METADATA} in {members.path!r}")


def _by_a_newer(metadata):
    version = str(metadata.get("keras_version", ""))
    if _numbers(version) <= _numbers(KERAS_VERSION):
        return ""
    return f" (it was written by Keras {version}, which is newer than {KERAS_VERSION}, the newest that is known here)"


def _numbers(version):
    return tuple(int(part) for part in version.split(".")[:3] if part.isascii() and part.isdigit() and len(part) < 6)


def _described_by_a_newer(config, path):
    with leaving_out() as left_out:
        model = _described(config)
    if left_out:
        warn(
            f"{path!r} was written by a newer Keras than {KERAS_VERSION}, and says what is not known here; the model is without it: "
            f"{'; '.join(left_out)}. Compare its predictions with Keras's before you rely on it.",
            PhasewiseWarning,
        )
    return model


def _described(config):
    described = {name: value for name, value in config.items() if name != "compile_config"}
    model = deserialize_keras_object(described)
    if not isinstance(model, ModelOnFile):
        raise ValueError(f"its config describes {type(model).__name__}, which is no model")
    built = config.get("build_config")
    is_model = isinstance(model, Model)
    if is_model and not model.built and isinstance(built, dict) and built.get("input_shape") is not None:
        model.build(_as_shape(built["input_shape"]))
    return model


def _as_shape(shape):
    if isinstance(shape, list) and all(n is None or isinstance(n, int) for n in shape):
        return tuple(shape)
    if isinstance(shape, list):
        return [_as_shape(each) for each in shape]
    return {name: _as_shape(each) for name, each in shape.items()} if isinstance(shape, dict) else shape

"""What a `.keras` file has of a model: config, metadata, weights, assets."""

import datetime
import os
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO

from phasewise.core.describing import serialize_keras_object
from phasewise.files import assets, json_text, weights_file
from phasewise.files.atomic_folder import folder_written_whole
from phasewise.files.names import ASSETS, CONFIG, KERAS_VERSION, METADATA, OURS, WEIGHTS
from phasewise.models.beyond_keras import warn_of_ours
from phasewise.models.layers_in_two import warn_of_layers_in_two
from phasewise.models.unregistered import warn_of_unregistered
from phasewise.training.course import course_of


def write(model: Any, file: BinaryIO) -> None:
    """Write the archive to an open file."""
    with zipfile.ZipFile(file, "w") as archive, assets.written_by(model) as paths:
        for name, pieces in _members(model):
            with archive.open(name, "w", force_zip64=True) as member:
                member.writelines(pieces)
        for name, path in paths.items():
            archive.write(path, f"{ASSETS}/{name}")


def write_folder(model: Any, path: str) -> None:
    """Write the same members as files in a folder, which is there whole or not at all."""
    if os.path.exists(path) and not _is_ours(path):
        raise FileExistsError(
            f"{path!r} holds other things than a saved model, so it is not replaced. Give another path."
        )
    with folder_written_whole(path) as aside, assets.written_by(model) as paths:
        os.makedirs(aside)
        for name, pieces in _members(model):
            _write_flushed(os.path.join(aside, name), pieces)
        for name, source in paths.items():
            target = os.path.join(aside, ASSETS, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(source, "rb") as file:
                _write_flushed(target, iter(partial(file.read, 1 << 20), b""))


def _write_flushed(path, pieces):
    with open(path, "wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _is_ours(path):
    return os.path.isdir(path) and set(os.listdir(path)) <= {CONFIG, METADATA, WEIGHTS, ASSETS}


def config_of(model: Any) -> bytes:
    """The member with the config.

    Raises:
        ValueError: something in the model cannot be described.
    """
    return json_text.written(_described(model))


def _members(model: Any) -> Iterator[tuple[str, Any]]:
    """(name, pieces of bytes) of each; the weights last, and one array at a time."""
    warn_of_layers_in_two(model)
    described = _described(model)
    warn_of_ours(described)
    warn_of_unregistered(described)
    config = json_text.written(described)
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    course = {OURS: course_of(model)} if hasattr(model, "steps_trained") else {}
    yield METADATA, [json_text.written({"keras_version": KERAS_VERSION, "date_saved": now, **course})]
    yield CONFIG, [config]
    yield WEIGHTS, weights_file.pieces_of(model)


def _described(model):
    described = serialize_keras_object(model)
    if "compile_config" not in described and hasattr(model, "get_compile_config"):
        described["compile_config"] = model.get_compile_config()
    return described

"""Assets: files that layers keep for themselves beside their weights, vocabularies above all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

from phasewise.files.archive import Archive
from phasewise.files.file_error import FileError, told_as_damage
from phasewise.files.layout import places
from phasewise.files.names import ASSETS

MOST_BYTES = 1 << 30


@contextlib.contextmanager
def written_by(model: Any) -> Iterator[dict[str, str]]:
    """dict name -> path of the files that the layers have written by `save_assets`; they are gone after the block."""
    owners = _owners(model, "save_assets")
    if not owners:
        yield {}
        return
    with tempfile.TemporaryDirectory() as folder:
        for path, layer in owners:
            inner = os.path.join(folder, *path.split("/"))
            os.makedirs(inner, exist_ok=True)
            layer.save_assets(inner)
            for copy in layer.copied_to:
                shutil.copytree(inner, os.path.join(inner, copy))
        yield dict(_files_in(folder))


def read_by(model: Any, archive: Archive) -> None:
    """Let the layers take their assets out of an archive, by `load_assets`.

    Raises:
        FileError: a layer cannot do with what is there for it; the assets are larger than 1 GiB.
    """
    owners = _owners(model, "load_assets")
    if not owners:
        return
    with tempfile.TemporaryDirectory() as folder:
        left = MOST_BYTES
        for name in archive.names():
            if name.startswith(f"{ASSETS}/"):
                left -= _unpacked(archive, name, os.path.join(folder, *name.split("/")), left)
        for path, layer in owners:
            inner = os.path.join(folder, ASSETS, *path.split("/"))
            has_some = os.path.isdir(inner)
            with told_as_damage(
                f"{archive.path!r}: the assets of {type(layer).__name__} {layer.name!r} cannot be used"
            ):
                layer.load_assets(inner if has_some else None)


def _owners(model, hook):
    return [(place.path, place.layer) for place in places(model) if hasattr(place.layer, hook)]


def _files_in(folder):
    for where, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            path = os.path.join(where, name)
            yield os.path.relpath(path, folder).replace(os.sep, "/"), path


def _unpacked(archive, name, path, most):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        raise FileError(f"{archive.path!r} has {name!r} both as a file and as a folder.")
    with open(path, "wb") as file:
        archive.copy(name, file, most)
        return file.tell()

"""load_weights: the forms that weights may have in a file, told by its name and its content."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from phasewise.files import archive
from phasewise.files.array_files import NPZ, SAFETENSORS, opened_arrays
from phasewise.files.by_name import fit_by_name
from phasewise.files.by_place import fit_by_place
from phasewise.files.file_error import told_as_damage
from phasewise.files.fit import LoadedWeights
from phasewise.files.hdf5 import opened
from phasewise.files.kind_of_file import Kind, kind_of
from phasewise.files.legacy_weights import fit_legacy, fit_legacy_by_name, is_legacy
from phasewise.files.missing import check_is_file
from phasewise.files.named_weights import fit_named
from phasewise.files.names import WEIGHTS
from phasewise.files.shards import INDEX_SUFFIX, is_shard, opened_shards
from phasewise.files.stored_weights import StoredWeights
from phasewise.files.weights_file import require_built

_PICKLES = (".pt", ".pth", ".ckpt", ".pkl", ".bin")


def load(
    model: Any, path: str | os.PathLike[str], skip_mismatch: bool = False, by_name: bool | None = None
) -> LoadedWeights:
    """Give a built model the weights of a file, of ours or Keras's: `.weights.h5`, one or in shards, `.keras`, or legacy `.h5`.

    All of them or, unless `skip_mismatch` is set, none: nothing is changed where something does not fit.

    Args:
        by_name: find layers by their names instead of their places; those of only one side are left out.

    Raises:
        ValueError: weights that are missing, of another shape, or there and not in the model; the message names the layers.
        OSError: there is no such file, it is no HDF5 file, or it is cut off.
    """
    path = os.fspath(path)
    require_built(model, "load")
    if path.endswith((NPZ, SAFETENSORS)):
        with opened_arrays(path) as arrays:
            return fit_named(model, path, arrays, by_name).take(skip_mismatch)
    with contextlib.ExitStack() as stack:
        with told_as_damage(f"{path!r} cannot be read", besides=(OSError, ValueError)):
            fit = _fit(model, path, stack.enter_context(opened_weights(path)), by_name)
        return fit.take(skip_mismatch)


@contextlib.contextmanager
def opened_weights(path: str) -> Iterator[Any]:
    """The `StoredWeights` of a file in HDF5, of an archive or of shards; an `h5py.File` where it has the legacy form.

    Raises:
        ValueError: it is a pickle of PyTorch's, or one of several shards.
        OSError: there is no such file, it is no HDF5 file, or it is cut off.
    """
    if path.endswith(INDEX_SUFFIX):
        with opened_shards(path) as stored:
            yield stored
        return
    if path.endswith(_PICKLES):
        raise ValueError(
            f"{path!r} is a pickle of PyTorch's, which runs code when it is opened: it is never read. Write the state dict to a safetensors "
            "file there, and give it to phasewise.saving.load_torch_weights."
        )
    with _inside_archive(path) if _is_archive(path) else opened(path) as file:
        if is_shard(file):
            raise ValueError(
                f"{path!r} is one of several shards: load the index that stands beside it, a file *{INDEX_SUFFIX}."
            )
        yield file if is_legacy(file) else StoredWeights(path, [file])


def _fit(model, path, source, by_name):
    if not isinstance(source, StoredWeights):
        return (fit_legacy_by_name if by_name else fit_legacy)(model, path, source)
    return (fit_by_name if by_name else fit_by_place)(model, source)


def _is_archive(path):
    """By its name, or by its content: people give archives other names."""
    return path.endswith(".keras") or (os.path.isfile(path) and kind_of(path) is Kind.ARCHIVE)


@contextlib.contextmanager
def _inside_archive(path):
    check_is_file(path, "there are no weights to load")
    with archive.opened(path) as members, members.opened(WEIGHTS) as member, opened(path, member) as file:
        yield file

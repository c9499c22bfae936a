"""KerasFileEditor: the weights of a file looked at, changed and written again, without the model."""

import os
import shutil
import zipfile
from collections.abc import Mapping
from typing import Any

import phasewise.saving.file_comparison as file_comparison
from phasewise.core.registry import did_you_mean
from phasewise.files import archive, json_text, skeleton
from phasewise.files.atomic_file import written_whole
from phasewise.files.file_error import FileError, told_as_damage
from phasewise.files.kind_of_file import Kind, kind_of
from phasewise.files.names import CONFIG, METADATA, WEIGHTS
from phasewise.files.stored_weights import StoredWeights
from phasewise.files.weights_file import SUFFIX, shapes_of
from phasewise.files.weights_reading import opened_weights
from phasewise.models.table import Column, fitted
from phasewise.saving.weights_tree import (
    checked_name,
    checked_weights,
    groups_of,
    inside,
    is_object,
    nested,
    objects_in,
    tree_of,
)


class KerasFileEditor:
    """The weights in a `.keras` or `.weights.h5` file, of ours or Keras's, to be looked at, changed and written to another file.

    For weights whose model has changed since they were saved: a layer was renamed, added or taken out.

        editor = KerasFileEditor("old.weights.h5")
        editor.compare(model)
        editor.rename_object("layers/dense_2", "dense_3")
        editor.add_object("layers/embedding", {"0": table})
        editor.save("new.weights.h5")

    Objects are layers, what contains them, and the optimizer. One is spoken of by its path, "layers/dense_2", or by its last part where only
    one is called so. The file is read once, whole, under the same limits as by `load_model`; it is not changed.

    Args:
        filepath: path of the file. What it is is found by its content.

    Attributes:
        filepath: that path.
        weights_dict: nested dicts: an object's weights, NumPy arrays called "0", "1" …, and the objects inside it. It may be changed.
        object_metadata: dict of "/path" of an object and {"name": the name of the layer}, where the file tells it.
        config, metadata: of a `.keras` file what it says of its model and of itself, as dicts; else None.
        model: None, as in Keras.

    Raises:
        FileNotFoundError: there is nothing at `filepath`.
        FileError: it holds no weights that can be read, is damaged, or asks for what opening a file must not do.

    Where it differs from Keras: nothing is lost. There the layers inside another go, whether that has weights of its own or not, and the names of
    all. `compare` counts each difference and each weight once. A name that is taken is an error. `save` can write a `.keras` file too.
    """

    def __init__(self, filepath: str | os.PathLike[str]):
        self.filepath = os.fspath(filepath)
        self.config = self.metadata = self.model = None
        kind = kind_of(self.filepath)
        if kind is Kind.ARCHIVE:
            with archive.opened(self.filepath) as members:
                self.config, self.metadata = (_read(members, name) for name in (CONFIG, METADATA))
        elif kind is not Kind.HDF5:
            raise FileError(f"KerasFileEditor opens .keras and .weights.h5 files; {self.filepath!r} is {kind.value}.")
        with told_as_damage(f"{self.filepath!r} cannot be read"), opened_weights(self.filepath) as stored:
            if not isinstance(stored, StoredWeights):
                raise FileError(
                    f"{self.filepath!r} is a legacy .h5 file, whose weights are no tree of objects: load it (load_model, or load_weights "
                    "of a model), and edit what save_weights writes."
                )
            self.weights_dict, self.object_metadata = tree_of(stored)
        print(self._title())

    def _title(self):
        title = f"Weights of {self.filepath!r}"
        if self.metadata is None:
            return title
        version, date = (self.metadata.get(name, "?") for name in ("keras_version", "date_saved"))
        return f"{title}, saved by Keras {version} or for it, {date}"

    # -- looking

    def summary(self) -> None:
        """Print the objects and their weights as a table."""
        rows = list(self._rows(self.weights_dict, "", 0))
        columns = ["Object", Column("Shape"), Column("Dtype"), Column("Name of the layer")]
        print(
            fitted(f"Weights of {self.filepath!r}", columns, rows, least=["Name of the layer"])
            if rows
            else "No weights."
        )

    def _rows(self, tree, path, depth):
        for key, value in tree.items():
            inner, indented = f"{path}/{key}", "  " * depth + str(key)
            if not is_object(value):
                yield [indented, str(getattr(value, "shape", "")), str(getattr(value, "dtype", "")), ""]
                continue
            yield [indented, "", "", self.object_metadata.get(inner, {}).get("name", "")]
            yield from self._rows(value, inner, depth + 1)

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Print how the file differs from a model, and say how much.

        Args:
            reference_model: a built model.

        Returns:
            dict of "status" ("success", or "error" where anything differs), "error_count" (objects and weights that only one of them has,
            an object with all that is inside it as one, and weights of two shapes) and "match_count" (weights of one shape).

        Raises:
            ValueError: the model is not built.
        """
        found, matches = file_comparison.differences(self.weights_dict, nested(shapes_of(reference_model)))
        print(file_comparison.as_text(self.filepath, reference_model.name, found, matches))
        return {"status": "error" if found else "success", "error_count": len(found), "match_count": matches}

    # -- changing

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Give an object another name, in its place.

        Args:
            object_name: name or path of the object.
            new_name: its new name, without the path.

        Raises:
            ValueError: there is no such object, or more than one of the name; `new_name` is a path, or is taken.
        """
        path, parent, name = self._found(object_name)
        checked_name(new_name)
        if new_name == name:
            return
        if new_name in parent:
            raise ValueError(f"{path!r} cannot be called {new_name!r}: {_beside(path, new_name)!r} is there already.")
        renamed = {new_name if key == name else key: value for key, value in parent.items()}
        parent.clear()
        parent.update(renamed)
        self._move_names(path, _beside(path, new_name))

    def delete_object(self, object_name: str) -> None:
        """Take an object out, with all that is inside it.

        Args:
            object_name: name or path of the object.

        Raises:
            ValueError: there is no such object, or more than one of the name.
        """
        path, parent, name = self._found(object_name)
        del parent[name]
        self._move_names(path, None)

    def add_object(self, object_path: str, weights: Mapping[str, Any]) -> None:
        """Put an object in.

        Args:
            object_path: its whole path; what it lies in is there.
            weights: dict of the names of its weights, "0", "1" …, and arrays; a dict in the place of an array is an object inside it.

        Raises:
            ValueError: there is something at the path, or nothing that it could lie in; or a name is none that a file can hold.
            TypeError: a weight is no array of numbers.
        """
        held = checked_weights(weights)
        above, _, name = object_path.strip("/").rpartition("/")
        checked_name(name)
        known = dict(objects_in(self.weights_dict))
        if above not in known:
            raise ValueError(f"There is no {above!r} for {object_path!r} to lie in.{did_you_mean(above, known)}")
        if name in known[above]:
            raise ValueError(f"There is {object_path!r} already. Delete it first, or give it weights with add_weights.")
        known[above][name] = held

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Take a weight out of an object.

        Args:
            object_name: name or path of the object. weight_name: name of the weight, "0" for the first.

        Raises:
            ValueError: there is no such object, more than one of the name, or no such weight in it.
        """
        path, parent, name = self._found(object_name)
        weights = [key for key, value in parent[name].items() if not is_object(value)]
        if weight_name not in weights:
            raise ValueError(
                f"{path!r} has no weight {weight_name!r}; it has {', '.join(map(repr, weights)) or 'none'}."
            )
        del parent[name][weight_name]

    def add_weights(self, object_name: str, weights: Mapping[str, Any]) -> None:
        """Give an object weights; those of names that it has already take the places of the old.

        Args:
            object_name: name or path of the object. weights: as of `add_object`.

        Raises:
            ValueError: there is no such object, more than one of the name; or a name is none that a file can hold.
            TypeError: a weight is no array of numbers.
        """
        _, parent, name = self._found(object_name)
        parent[name].update(checked_weights(weights))

    def _found(self, name):
        """(path, what it lies in, its own name) of the object that is meant."""
        wanted = name.strip("/")
        paths = [path for path, _ in objects_in(self.weights_dict) if path]
        meant = [path for path in paths if path == wanted or ("/" not in wanted and path.rpartition("/")[2] == wanted)]
        if wanted in meant:
            meant = [wanted]
        if len(meant) > 1:
            raise ValueError(
                f"{len(meant)} objects are called {name!r}: say which by its path, {', '.join(map(repr, meant))}."
            )
        if not meant:
            last = {path.rpartition("/")[2]: path for path in reversed(paths)}
            near = did_you_mean(wanted, paths if "/" in wanted else last)
            raise ValueError(f"There is no object {name!r} in {self.filepath!r}.{near or ' summary() lists all.'}")
        above, _, own = meant[0].rpartition("/")
        return meant[0], inside(self.weights_dict, above), own

    def _move_names(self, path, to):
        """What is told of an object and of those inside it is told of another path, or forgotten."""
        for known in [each for each in self.object_metadata if f"{each}/".startswith(f"/{path}/")]:
            told = self.object_metadata.pop(known)
            if to is not None:
                self.object_metadata[f"/{to}{known[len(path) + 1 :]}"] = told

    # -- writing

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Write the weights as they are now; the file is there whole or not at all.

        Args:
            filepath: path that ends in `.weights.h5`; or in `.keras` where the editor has opened such a file, for one with `config`, `metadata`
                and assets beside the new weights, which have to fit the model that `config` speaks of.

        Raises:
            ValueError: another ending; a name is none that a file can hold.
            TypeError: a weight is no array of numbers.
            OSError: it could not be written.
        """
        path, groups = os.fspath(filepath), groups_of(self.weights_dict, self.object_metadata)
        if path.endswith(SUFFIX):
            with written_whole(path) as file:
                file.writelines(skeleton.pieces(groups))
        elif path.endswith(".keras") and self.config is not None:
            with archive.opened(self.filepath) as members, written_whole(path) as file:
                self._write_archive(file, members, groups)
        else:
            why = "; the ending .keras is for what was opened as such a file" if path.endswith(".keras") else ""
            raise ValueError(f"An edited file has a name that ends in {SUFFIX!r}{why}; got {path!r}.")

    def resave_weights(self, filepath: str | os.PathLike[str]) -> None:
        """`save(filepath)`."""
        self.save(filepath)

    def _write_archive(self, file, members, groups):
        with zipfile.ZipFile(file, "w") as written:
            written.writestr(METADATA, json_text.written(self.metadata))
            written.writestr(CONFIG, json_text.written(self.config))
            for name in filter(_is_kept, members.names()):
                with members.opened(name) as source, written.open(name, "w") as target:
                    shutil.copyfileobj(source, target)
            with written.open(WEIGHTS, "w", force_zip64=True) as target:
                target.writelines(skeleton.pieces(groups))


def _is_kept(name):
    return name not in (METADATA, CONFIG, WEIGHTS)


def _read(members, name):
    return json_text.parsed(members.read(name, json_text.MOST_BYTES), f"{name} in {members.path!r}")


def _beside(path, name):
    above = path.rpartition("/")[0]
    return f"{above}/{name}" if above else name

"""save: a whole model in one `.keras` file; a FeatureSpace too."""

import os
from typing import Any

from phasewise.core.keywords import refuse_left_over, told
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.files.atomic_file import written_whole
from phasewise.models.whole_file import config_of, write, write_folder


class ModelOnFile:
    """The part of a model that writes all of itself to a file."""

    @told
    def save(
        self, filepath: str | os.PathLike[str], overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
    ) -> None:
        """Write the model to a `.keras` file, which `phasewise.saving.load_model` and Keras 3 open.

        In it are the config, the weights, what `compile` was given, what the optimizer keeps, and vocabularies; and where training
        stands, so that `fit` goes on from the file as it would have gone on here. The file is written aside and then put in its
        place: a crash or a full disk leaves the one that was there whole. Large weights are written one after the other, without a
        second copy of them.

        Args:
            filepath: path that ends in `.keras`; the folder must exist. With `zipped=False` the path of a folder.
            overwrite: whether a file that is there is replaced. Keras asks at the keyboard; here it is an error.
            zipped: False writes a folder with the same content.
            kwargs: `save_format` and `include_optimizer`, accepted for Keras's sake with a warning: the ending says the format, and what
                the optimizer keeps is in the file, as there.

        Raises:
            TypeError: an unknown argument.
            ValueError: another ending; or something in the model cannot be described: the message names it.
            FileExistsError: there is a file, and `overwrite` is False.
            OSError: it could not be written.

        An object given to `compile` that cannot be described (a lambda, an optax transformation) is warned of, and the file has the
        model without what `compile` was given. So is, by its layer, what Keras has no like of and will refuse to open: batch
        normalization in recurrence (`normalization`), and `virtual_batch_size`; and functions and classes of yours that are not registered,
        which a file can only name.
        """
        _refuse_others(kwargs)
        path = os.fspath(filepath)
        is_zip = zipped is None or bool(zipped)
        _check_path(path, is_zip)
        if not overwrite and os.path.exists(path):
            raise FileExistsError(f"{path!r} exists. Give another path, or overwrite=True.")
        if not is_zip:
            write_folder(self, path)
            return
        with written_whole(path) as file:
            write(self, file)

    def _check_can_be_saved(self) -> None:
        """Raises what `save` would raise of the model itself, without writing anything."""
        config_of(self)


def _refuse_others(kwargs):
    refuse_left_over(ModelOnFile.save, kwargs.keys() - {"save_format", "include_optimizer"})
    if kwargs.get("save_format"):
        warn(
            "save's save_format has no effect: the ending of the path says the format. Leave it out.", PhasewiseWarning
        )
    if not kwargs.get("include_optimizer", True):
        warn(
            "save's include_optimizer=False has no effect on a .keras file, as in Keras: what the optimizer keeps is in it. "
            "load_model(path, compile=False) leaves it there.",
            PhasewiseWarning,
        )


def _check_path(path, is_zip):
    if "://" in path:
        raise ValueError(f"A model is saved on this machine; {path!r} is elsewhere. Save it here, and copy the file.")
    if is_zip and path.endswith((".h5", ".hdf5")):
        raise ValueError(
            f"Whole models are written as .keras files; got {path!r}. (HDF5 files of whole models are read, not written.) Name it "
            f"{path.rpartition('.')[0] + '.keras'!r}; weights alone go to a '.weights.h5' file with save_weights."
        )
    if is_zip != path.endswith(".keras"):
        ending = "ends in '.keras'" if is_zip else "is that of a folder, and does not end in '.keras' with zipped=False"
        raise ValueError(f"The path of a saved model {ending}; got {path!r}.")

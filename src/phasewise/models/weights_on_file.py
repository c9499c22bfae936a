"""save_weights and load_weights."""

import os

from phasewise.core.arguments import check_flag, check_number
from phasewise.core.keywords import told
from phasewise.files import weights_file, weights_reading
from phasewise.files.behind import Behind
from phasewise.files.fit import LoadedWeights


class WeightsOnFile:
    """The part of a model that writes its weights to a file and reads them."""

    @told
    def save_weights(
        self, filepath: str | os.PathLike[str], overwrite: bool = True, max_shard_size: float | None = None
    ) -> None:
        """Write the weights to a file, whose ending says in which form.

        `.weights.h5` is the layout that Keras 3 reads, and has what the optimizer keeps too; `.weights.json`, given `max_shard_size`, is the
        index of several such files, as Keras writes them. `.safetensors` and `.npz` have the weights alone, by the variables' paths.
        What is written is written aside and then put in its place: a crash or a full disk leaves what was there whole, several files too.

        Args:
            filepath: path; the folder must exist.
            overwrite: whether a file that is there is replaced. Keras asks at the keyboard; here it is an error.
            max_shard_size: gigabytes (2**30 bytes) of one of several files; None: one file.

        Raises:
            ValueError: another ending, a weight that is larger than `max_shard_size`, or a model that is not built.
            FileExistsError: there is a file, and `overwrite` is False.
            OSError: it could not be written.
            ImportError: `.safetensors` without the package of this name.
        """
        if max_shard_size is not None:
            check_number("save_weights", "max_shard_size", max_shard_size, 0)
        if not overwrite and os.path.exists(filepath):
            raise FileExistsError(f"{os.fspath(filepath)!r} exists. Give another path, or overwrite=True.")
        weights_file.save_in_any_form(self, filepath, max_shard_size)

    def _save_weights_behind(self, filepath: str, behind: Behind, note: str) -> None:
        """`save_weights`, by another thread where it is this one and the file is small."""
        is_this_one = getattr(self.save_weights, "__func__", None) is WeightsOnFile.save_weights
        content = weights_file.content(self) if is_this_one else None
        if content is not None:
            behind.put(weights_file.checked(filepath), content, note)
            return
        behind.finish()
        self.save_weights(filepath, overwrite=True)

    @told
    def load_weights(
        self, filepath: str | os.PathLike[str], skip_mismatch: bool = False, by_name: bool | None = None
    ) -> LoadedWeights:
        """Take the weights from a file that `save_weights` made, here or in Keras, or from a `.keras` or legacy `.h5` file.

        In `.weights.h5`, `.weights.json` and `.keras` files layers are found by their place in the model and their class, never by name; in
        legacy `.h5` by their order; in `.safetensors` and `.npz` weights are found by name. Where something does not fit nothing is changed.
        What a file has for the optimizer is taken if the model is compiled with one.

        Args:
            filepath: path.
            skip_mismatch: take what fits, and warn of what does not.
            by_name: find layers by their names, take those that both sides have, and warn of those that only the model has: for models that
                have some layers in common. A layer inside a model that is a layer goes by the names of both where its own is there twice. In
                Keras this is for legacy `.h5` alone, and says nothing of what it leaves out. The optimizer's part is not taken then.

        Returns:
            A report of what was taken and what was not. (Keras returns None.)

        Raises:
            ValueError: weights that are missing, of another shape (the message has both), or that the model has no layer for; a
                model that is not built; `by_name`, and no layer is in both.
            OSError: there is no such file, it is none of these kinds, it is cut off, or one of several is missing or of another set.
        """
        if by_name is not None:
            check_flag("load_weights", "by_name", by_name)
        return weights_reading.load(self, filepath, skip_mismatch, by_name)

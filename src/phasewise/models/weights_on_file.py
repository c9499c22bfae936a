"""save_weights and load_weights."""

import os

from phasewise.files import weights_file
from phasewise.files.behind import Behind


class WeightsOnFile:
    """The part of a model that writes its weights to a file and reads them."""

    def save_weights(
        self, filepath: str | os.PathLike[str], overwrite: bool = True, max_shard_size: float | None = None
    ) -> None:
        """Write the weights to one file, in the layout that Keras 3 reads; what the optimizer keeps is in it too.

        The file is written aside and then put in its place: a crash or a full disk leaves the one that was there whole.

        Args:
            filepath: path that ends in `.weights.h5`; the folder must exist.
            overwrite: whether a file that is there is replaced. Keras asks at the keyboard; here it is an error.
            max_shard_size: None. Keras can spread weights over several files; here they are one.

        Raises:
            ValueError: another ending, a `max_shard_size`, or a model that is not built.
            FileExistsError: there is a file, and `overwrite` is False.
            OSError: it could not be written.
        """
        if max_shard_size is not None:
            raise ValueError(f"Weights are written to one file; got max_shard_size={max_shard_size!r}. Leave it out.")
        if not overwrite and os.path.exists(filepath):
            raise FileExistsError(f"{os.fspath(filepath)!r} exists. Give another path, or overwrite=True.")
        weights_file.save(self, filepath)

    def _save_weights_behind(self, filepath: str, behind: Behind, note: str) -> None:
        """`save_weights`, by another thread where it is this one and the file is small."""
        is_this_one = getattr(self.save_weights, "__func__", None) is WeightsOnFile.save_weights
        content = weights_file.content(self) if is_this_one else None
        if content is not None:
            behind.put(weights_file.checked(filepath), content, note)
            return
        behind.finish()
        self.save_weights(filepath, overwrite=True)

    def load_weights(self, filepath: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
        """Take the weights from a file that `save_weights` made, here or in Keras, or from a `.keras` file.

        Layers are found by their place in the model and their class, never by name. Where something does not fit nothing is changed. What
        the file has for the optimizer is taken if the model is compiled with one.

        Args:
            filepath: path.
            skip_mismatch: take what fits, and warn of what does not.

        Raises:
            ValueError: weights that are missing, of another shape (the message has both), or that the model has no layer for; a
                model that is not built.
            OSError: there is no such file, it is no HDF5 file, or it is cut off.
        """
        weights_file.load(self, filepath, skip_mismatch)

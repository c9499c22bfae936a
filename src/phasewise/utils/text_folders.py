"""Folders of texts as a data set."""

import os
from collections.abc import Sequence
from typing import Any

from phasewise.core.arguments import check_count
from phasewise.core.registry import one_of
from phasewise.utils.folders import Folder


def text_dataset_from_directory(
    directory: str | os.PathLike,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """A data set of the `.txt` files in a directory, one folder a class.

    Args:
        max_length: characters after which a text is cut off; None keeps all. (In Keras, bytes.)
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links, format, verbose:
            as in `image_dataset_from_directory`.

    Returns:
        A `Dataset` of texts (strings, which a model takes after they are made numbers), or of (texts, labels), with `class_names`
        and `file_paths`; a list of two for the subset "both".

    Raises:
        ValueError: arguments that contradict each other; no files; when it is read, a file that is not UTF-8, which is named.
    """
    owner = "text_dataset_from_directory"
    one_of(owner, "format", format, ("tf", "grain"))
    if max_length is not None:
        check_count(owner, "max_length", max_length)

    def load(path):
        with open(path, "rb") as file:
            content = file.read()
        try:
            return content.decode("utf-8")[:max_length]
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is no text in UTF-8: {error}. Convert it first.") from None

    folder = Folder(
        owner,
        directory,
        (".txt",),
        labels,
        label_mode,
        class_names,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )
    return folder.plans(load, lambda plan: plan if batch_size is None else plan.batch(batch_size))

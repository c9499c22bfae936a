"""Files in folders, with the labels that the folders' names give."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from phasewise.core import random
from phasewise.core.arguments import check_number
from phasewise.core.registry import one_of
from phasewise.data.dataset import Dataset

LABEL_MODES = ("int", "categorical", "binary", None)
SUBSETS = ("training", "validation", "both")


@dataclasses.dataclass(frozen=True)
class Folder:
    """What a data set is made of.

    Attributes: the arguments of the same names of the functions of Keras.
    """

    owner: str
    directory: str | os.PathLike
    endings: tuple[str, ...]
    labels: Any
    label_mode: str | None
    class_names: Sequence[str] | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool

    def plans(self, load: Callable[[str], Any], batch: Callable[[Dataset], Dataset]) -> Any:
        """One plan, or for the subset "both" two, of `load(path)` with labels, batched by `batch`.

        Raises:
            ValueError: arguments that contradict each other, no files, labels that do not fit.
        """
        self._check()
        seed = random.fresh_seed() % 10**6 if self.seed is None else self.seed
        paths, numbers, names = self._found(seed)
        if self.label_mode == "binary" and numbers is not None and len(names) != 2:
            raise ValueError(
                f"label_mode 'binary' takes two classes; {self.directory} has {len(names)}: {list(names)}."
            )
        made = []
        for subset in ("training", "validation") if self.subset == "both" else (self.subset,):
            part = self._part(len(paths), subset)
            own = [paths[i] for i in part], None if numbers is None else np.asarray(numbers)[part]
            shuffles = self.shuffle and not (self.subset == "both" and subset == "validation")
            plan = batch(self._plan(*own, names, load, seed if shuffles else None))
            plan.class_names, plan.file_paths = names, own[0]
            made.append(plan)
        return made if self.subset == "both" else made[0]

    def _check(self):
        one_of(self.owner, "label_mode", self.label_mode, LABEL_MODES)
        if not (self.labels is None or _is_inferred(self.labels) or isinstance(self.labels, list | tuple | np.ndarray)):
            raise ValueError(
                f"{self.owner}'s labels are 'inferred', None or a list of class numbers; got {self.labels!r}."
            )
        if self.class_names is not None and not _is_inferred(self.labels):
            raise ValueError(
                "class_names goes with labels='inferred': it says which folders are the classes, and their order."
            )
        if (self.validation_split is None) != (self.subset is None):
            raise ValueError(
                "validation_split and subset go together: how much to set apart, and which part this is to be."
            )
        if self.validation_split is None:
            return
        one_of(self.owner, "subset", self.subset, SUBSETS)
        if not 0 < check_number(self.owner, "validation_split", self.validation_split) < 1:
            raise ValueError(f"validation_split is a fraction between 0 and 1; got {self.validation_split!r}.")
        if self.shuffle and self.seed is None:
            raise ValueError(
                "With shuffle and validation_split a seed is needed, or a file may be in both parts. Pass seed=1."
            )

    def _found(self, seed):
        """Paths, class numbers (or None) and class names (or None), in the order of Keras."""
        has_labels = self.labels is not None and self.label_mode is not None
        inferred = has_labels and _is_inferred(self.labels)
        names = self._classes() if inferred else None
        groups = [self._files(name) for name in names] if inferred else [self._files("")]
        paths = [path for group in groups for path in group]
        if not paths:
            raise ValueError(f"No file that ends in {', '.join(self.endings)} was found in {self.directory}.")
        numbers = None
        if inferred:
            numbers = np.repeat(np.arange(len(names), dtype=np.int32), [len(group) for group in groups])
        elif has_labels:
            numbers = np.asarray(self.labels, np.int32)
            if len(numbers) != len(paths):
                raise ValueError(f"There are {len(numbers)} labels for the {len(paths)} files in {self.directory}.")
            names = [str(label) for label in sorted(set(numbers.tolist()))]
        if self.verbose:
            print(f"Found {len(paths)} files{f' belonging to {len(names)} classes' if has_labels else ''}.")
        if self.shuffle:
            order = np.arange(len(paths))
            np.random.RandomState(seed).shuffle(order)
            paths, numbers = [paths[i] for i in order], None if numbers is None else numbers[order]
        return paths, numbers, names

    def _classes(self):
        with os.scandir(self.directory) as entries:
            folders = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
        if self.class_names is None:
            return folders
        missing = [name for name in self.class_names if name not in folders]
        if missing:
            raise ValueError(
                f"class_names holds {missing}, and there are no such folders in {self.directory}; it has {folders}."
            )
        return list(self.class_names)

    def _files(self, name):
        found = sorted(os.walk(os.path.join(self.directory, name), followlinks=self.follow_links))
        return [
            os.path.join(root, file)
            for root, _, files in found
            for file in sorted(files)
            if file.lower().endswith(self.endings)
        ]

    def _part(self, count, subset):
        """The numbers of the files in a subset."""
        if subset is None:
            return np.arange(count)
        held = int(self.validation_split * count)
        if not held:
            raise ValueError(
                f"validation_split={self.validation_split} of {count} files leaves nothing to validate on."
            )
        if self.verbose:
            kind, number = ("training", count - held) if subset == "training" else ("validation", held)
            print(f"Using {number} files for {kind}.")
        return np.arange(count - held) if subset == "training" else np.arange(count - held, count)

    def _plan(self, paths, numbers, names, load, seed):
        plan = Dataset.range(len(paths))
        if seed is not None:
            plan = plan.shuffle(len(paths), seed)
        if numbers is None:
            return plan.map(lambda i: load(paths[i]))
        if self.label_mode == "categorical" and not 0 <= numbers.min() <= numbers.max() < len(names):
            raise ValueError(
                f"label_mode 'categorical' takes the labels 0 to {len(names) - 1}; they lie between {numbers.min()} and {numbers.max()}."
            )
        labels = {
            "int": lambda: numbers,
            "binary": lambda: numbers.astype(np.float32)[:, None],
            "categorical": lambda: np.eye(len(names), dtype=np.float32)[numbers],
        }[self.label_mode]()
        return plan.map(lambda i: (load(paths[i]), labels[i]))


def _is_inferred(labels):
    return isinstance(labels, str) and labels == "inferred"

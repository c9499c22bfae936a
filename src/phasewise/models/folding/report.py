"""What folding did."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from phasewise.models.model import Model
from phasewise.models.table import render


@dataclasses.dataclass(frozen=True)
class Fold:
    """One batch normalization that went into weights.

    Attributes:
        layer: its name.
        into: the names of the layers whose weights it went into.
        place: "after" or "before": where it stood, seen from them.
        centred: whether its mean is still subtracted, in its place: by a `Rescaling` of its name.
    """

    layer: str
    into: tuple[str, ...]
    place: str
    centred: bool = False


class Folding(list):
    """A list of `Fold`s, a folded layer a row; `folding["bn"]` finds one by name; `str()` gives the table.

    Attributes:
        model: the inference-only copy.
        left: dict from the name of a batch normalization that is still there to why.
    """

    def __init__(self, folds: Iterable[Fold], model: Model, left: dict[str, str]):
        super().__init__(folds)
        self.model, self.left = model, left

    def __getitem__(self, key: str | int | slice) -> Fold | list[Fold]:
        if not isinstance(key, str):
            return super().__getitem__(key)
        for fold in self:
            if fold.layer == key:
                return fold
        why = f" {key!r} is still there: {self.left[key]}." if key in self.left else ""
        raise KeyError(f"No layer called {key!r} was folded; these were: {[fold.layer for fold in self]}.{why}")

    def to_dict(self) -> list[dict[str, Any]]:
        """The rows as dicts, ready for JSON."""
        return [{**dataclasses.asdict(fold), "into": list(fold.into)} for fold in self]

    def __str__(self):
        rows = [[fold.layer, f"{fold.place} {', '.join(fold.into)}", _note(fold)] for fold in self]
        rows += [[name, "still there", why.replace("; ", "\n")] for name, why in self.left.items()]
        return render(f'Batch normalization folded in "{self.model.name}"', ["layer", "stood", ""], rows)

    __repr__ = __str__


def _note(fold):
    return "its mean, far from zero, is still subtracted" if fold.centred else ""

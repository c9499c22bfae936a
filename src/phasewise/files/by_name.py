"""Layers found in a `.weights.h5` file by their names, for models that have some layers in common."""

from collections.abc import Iterable, Mapping
from typing import Any

from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.files.by_place import add_place
from phasewise.files.fit import Fit
from phasewise.files.layout import places
from phasewise.files.stored_weights import StoredWeights


def fit_by_name(model: Any, stored: StoredWeights) -> Fit:
    """What goes where: a layer of the model, or of a chain or graph in it, goes with the one of its name in the file, all that is inside
    included. Of several of one name it is the one inside models of the same names. What only one side has is told, and left alone.

    Raises:
        ValueError: the file tells no names, has two layers that may be meant, or none that the model has.
    """
    fit, names = Fit(model, stored.title), stored.names()
    if len(names) < 2:
        raise ValueError(f"{stored.title!r} does not say what its layers are called: load it without by_name.")
    found = list(places(model))
    ours = {place.path: place.layer.name for place in found}
    pairs, used, missing = _pairs(ours, names, stored.title), {""}, {}
    for place in found:
        owner = _owner(place.path, ours)
        path = pairs[owner] + place.path[len(owner) :] if pairs[owner] is not None else None
        holds = place.variables or place.layer.stores_itself
        if path is not None and holds:
            used.add(path)
            add_place(fit, place, path, stored)
        elif holds:
            missing[ours[owner]] = None
    rest = {path: shapes for path, shapes in stored.shapes().items() if path not in used}
    tell(fit, list(missing), list(dict.fromkeys(names.get(_owner(path, names), path) for path in rest)))
    check_any(fit, ours.values(), names.values())
    return fit


def tell(fit: Fit, missing: list[str], unused: list[str]) -> None:
    """Note, and warn of, layers with weights that only the model or only the file has."""
    fit.missing, fit.unused = missing, unused
    if missing and not fit.is_empty:
        warn(
            f"{fit.title!r} has no layers called {_listed(missing)}: these are left as they are."
            + (f" It has {_listed(unused)}, which the model has not." if unused else ""),
            PhasewiseWarning,
        )


def check_any(fit: Fit, ours: Iterable[str], theirs: Iterable[str]) -> None:
    """Raises ValueError where not one layer was found."""
    if fit.is_empty and not fit.problems:
        raise ValueError(
            f"No layer with weights of {fit.model.name!r} is called like one in {fit.title!r}. The model has {_listed(list(ours)[1:])}; "
            f"the file has {_listed(list(theirs))}."
        )


def _pairs(ours, names, title):
    """dict from the path of each layer that is looked for by name to its path in the file, or None."""
    candidates = {}
    for path, name in names.items():
        if path and _owner(path, names) == path:
            candidates.setdefault(name, []).append(path)
    return {
        path: "" if not path else _meant(path, ours, candidates.get(name, []), names, title)
        for path, name in ours.items()
        if _owner(path, ours) == path
    }


def _meant(path, ours, candidates, names, title):
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    same = [each for each in candidates if _chain(each, names) == _chain(path, ours)]
    if len(same) == 1:
        return same[0]
    raise ValueError(
        f"{title!r} has {len(candidates)} layers called {ours[path]!r}, at {_listed(candidates)}: give the layers of the model other names, "
        "or load without by_name."
    )


def _owner(path: str, named: Mapping[str, str]) -> str:
    """The path of the layer that is looked for by name, where the one at `path` is in it: the innermost in chains and graphs alone."""
    return _steps(path, named)[-1]


def _chain(path, named):
    return [named[step] for step in _steps(path, named)[1:]]


def _steps(path, named):
    """The paths from the model itself to the owner."""
    steps, parts = [""], path.split("/") if path else []
    for count in range(1, len(parts) + 1):
        prefix = "/".join(parts[:count])
        inside = prefix[len(steps[-1]) :].lstrip("/")
        if prefix not in named:
            continue
        if steps[-1] and not inside.startswith("layers/"):
            break
        steps.append(prefix)
    return steps


def _listed(names):
    shown = ", ".join(repr(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")

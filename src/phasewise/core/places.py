"""Structures matched with a model's inputs or outputs: by key where those are a dict, by place where they are a list.

What belongs together is never found by sorting keys: a list says nothing about which of its items belongs to which key.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax

from phasewise.core import registry
from phasewise.core.warning import StructureWarning, warn


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is matched, and how strictly.

    Attributes:
        subject: what it is called in messages: "The data", "`loss`".
        is_item: whether something of a nesting type is one item all the same.
        for_all: whether one item may stand for several places.
        is_data: whether it is data: an unknown key is then left out with a warning, and a list of the right length that is nested
            otherwise is taken in order with a warning. Of what `compile` takes both are refused.
        lists: whether a list, where the structure has a leaf, is that leaf's item.
    """

    subject: str
    is_item: Callable[[Any], bool] = lambda given: False
    for_all: bool = False
    is_data: bool = False
    lists: bool = False


class Places:
    """The leaves of a structure, each under its name, to be found again in other structures.

    Args:
        structure: a nest of lists, tuples and dicts.
        kind: "inputs" or "outputs", for messages.
        names: of the leaves in the order of `jax.tree.leaves`; those that a dict has are its keys.
        is_leaf: as for `jax.tree.flatten`.
    """

    def __init__(self, structure, kind, names=None, is_leaf=None):
        leaves, tree = jax.tree.flatten(structure, is_leaf=is_leaf)
        self.kind, self.count = kind, len(leaves)
        self._node = _plain(jax.tree.unflatten(tree, range(self.count)), structure)
        own = (
            names
            if names and len(names) == self.count
            else [f"{kind[:-1]}_{i}" if self.count > 1 else kind[:-1] for i in range(self.count)]
        )
        found = dict(_named(self._node, own, ""))
        self.names = _distinct([found[i] for i in range(self.count)])
        self._told = set()

    def spread(self, given, wanted):
        """What `given` has for each leaf, in their order; None where it has nothing.

        Raises:
            ValueError: it is nested otherwise, or has a key that is none of the structure's.
        """
        given = self._in_order(given, wanted)
        found = [None] * self.count
        for place, item in self._matched(self._node, given, wanted):
            found[place] = item
        return found

    def _matched(self, node, given, wanted):
        """(place, item) for all that `given` has for the leaves below `node`."""
        below = _places(node)
        if given is None or not below:
            return []
        if isinstance(given, dict) and not wanted.is_item(given):
            return self._by_key(node, given, wanted)
        if isinstance(given, list | tuple) and not wanted.is_item(given):
            return self._by_place(node, given, wanted)
        if len(below) > 1 and not wanted.for_all:
            raise self._error(node, None, wanted)
        return [(place, given) for place in below]

    def _by_key(self, node, given, wanted):
        keys = node if isinstance(node, dict) else {}
        by_name = {self.names[place]: place for place in _places(node)}
        if self.kind == "outputs" and wanted.is_data and len(given) == self.count == 1:
            return self._matched(node, next(iter(given.values())), wanted)  # the only one, whatever it is called
        matched, unknown = [], []
        for key, item in given.items():
            if key in keys:
                matched += self._matched(keys[key], item, wanted)
            elif key in by_name:
                matched += self._matched(by_name[key], item, wanted)
            else:
                unknown.append(key)
        if unknown:
            self._tell_unknown(unknown, list(keys) or list(by_name), matched, wanted)
        return matched

    def _by_place(self, node, given, wanted):
        if isinstance(node, int):
            if wanted.lists:
                return [(node, given)]
            if len(given) != 1:
                raise self._error(node, len(given), wanted)
            return self._matched(node, given[0], wanted)
        children = list(node.values()) if isinstance(node, dict) else node
        if len(children) != len(given) or (isinstance(node, dict) and len(given) > 1):
            raise self._error(node, len(given), wanted)
        return [pair for child, item in zip(children, given) for pair in self._matched(child, item, wanted)]

    def _in_order(self, given, wanted):
        """`given`, nested as the structure is where both are lists of lists with as many leaves."""
        if not wanted.is_data or not isinstance(given, list | tuple) or _fits(self._node, given):
            return given
        items = _flat(given)
        if not isinstance(self._node, tuple) or _has_dict(self._node) or items is None or len(items) != self.count:
            return given
        self._warn(
            f"{wanted.subject} are nested otherwise than the model's {self.kind}, {self.names}: they are taken in order. Give them in "
            "the same structure."
        )
        return jax.tree.unflatten(jax.tree.structure(self._node), items)

    def _error(self, node, count, wanted):
        """The error that `count` items (None: one that is not in a list) were given for the leaves below `node`."""
        if isinstance(node, dict):
            got = "one item" if count is None else f"a list of {count}"
            return ValueError(
                f"{wanted.subject} must be a dict with the keys {list(node)}, as the model's {self.kind} are; got {got}, which does "
                "not say what belongs to which key."
            )
        names = [self.names[place] for place in _places(node)]
        if self.kind == "inputs":
            return ValueError(f"The model has {len(names)} inputs, {names}; it was given {count or 1} arrays.")
        if count is None and not wanted.is_data:
            return ValueError(f"{wanted.subject} must be a list or dict with an item for each of the outputs {names}.")
        return ValueError(
            f"{wanted.subject} {'have' if wanted.is_data else 'has'} {count or 1} item{'s' * (count not in (None, 1))} and the model {len(names)} "
            f"output{'s' * (len(names) > 1)}, {names}: give one for each, or a dict by name."
        )

    def _tell_unknown(self, unknown, known, matched, wanted):
        if wanted.is_data and (self.kind == "outputs" or len(matched) == len(known)):
            self._warn(
                f"{wanted.subject} have the keys {unknown}, which are none of the model's {self.kind} {known}: they are left out."
            )
        elif not wanted.is_data:
            one = self.kind[:-1]
            raise ValueError(
                f"{wanted.subject} names the {one} {unknown[0]!r}, which the model lacks."
                f"{registry.did_you_mean(unknown[0], known)} It has {known}."
            )

    def _warn(self, message):
        if message not in self._told:  # a call is traced more than once
            warn(message, StructureWarning)
            self._told.add(message)


def _plain(numbered, original):
    """Tuples and dicts only, a dict in its own order of keys; a leaf is its number, None is an empty tuple."""
    if isinstance(numbered, dict):
        return {key: _plain(numbered[key], original[key]) for key in original}
    if isinstance(numbered, list | tuple):
        return tuple(_plain(each, other) for each, other in zip(numbered, original))
    return numbered if isinstance(numbered, int) else tuple(jax.tree.leaves(numbered))


def _named(node, own, path):
    """(place, name) of each leaf: its own name, or what leads to it through dicts."""
    if isinstance(node, int):
        yield node, path or own[node]
    elif isinstance(node, dict):
        for key, child in node.items():
            yield from _named(child, own, f"{path}/{key}" if path else str(key))
    else:
        for child in node:
            leads_on = path and len(_places(node)) > 1
            yield from _named(child, own, f"{path}/{own[child]}" if leads_on and isinstance(child, int) else path)


def _distinct(names):
    """The names, the second of one name with _1 behind it, as Keras numbers them."""
    distinct = []
    for name in names:
        number, new = 0, name
        while new in distinct or (number and new in names):
            number += 1
            new = f"{name}_{number}"
        distinct.append(new)
    return distinct


def _places(node):
    if isinstance(node, int):
        return [node]
    return [place for child in (node.values() if isinstance(node, dict) else node) for place in _places(child)]


def _fits(node, given):
    if isinstance(node, tuple):
        return isinstance(given, list | tuple) and len(node) == len(given) and all(map(_fits, node, given))
    return isinstance(node, dict) or not isinstance(given, list | tuple) or len(given) == 1


def _flat(given):
    """The items of nested lists, in order; None where a dict is among them."""
    if isinstance(given, dict):
        return None
    if not isinstance(given, list | tuple):
        return [given]
    parts = [_flat(item) for item in given]
    return None if None in parts else [item for part in parts for item in part]


def _has_dict(node):
    return isinstance(node, dict) or (isinstance(node, tuple) and any(map(_has_dict, node)))

"""Random plans as plain descriptions, which tf.data and phasewise build alike: what is recorded of the one is asked of the other.

A description is a JSON value: `[source, step, ...]`, each a list of a name and its arguments. `build` makes a plan of it with any library
that has tf.data's names.
"""

import random

import numpy as np

COUNT = 600


def descriptions(count=COUNT, seed=7):
    """So many plans, the same each time."""
    rng = random.Random(seed)
    return [_description(rng) for _ in range(count)]


def _description(rng):
    plan, rank = _source(rng)
    for _ in range(rng.randint(1, 6)):
        step, rank = _step(rng, rank)
        plan.append(step)
    return plan


def _source(rng):
    name = rng.choice(["range", "slices", "pair", "named", "integers", "floats", "one", "ragged", "table", "none"])
    size = rng.randint(0, 9)
    arguments = {
        "range": [rng.randint(-3, 3), rng.randint(-3, 12), rng.choice([1, 1, 2, 3, -1])],
        "table": [size, rng.randint(1, 3)],
        "one": [rng.randint(1, 4)],
        "ragged": [rng.randint(1, 6)],
        "none": [],
    }
    rank = {"table": 1, "one": 1, "ragged": "ragged"}.get(name, 0)
    return [[name, *arguments.get(name, [size])]], rank


def _step(rng, rank):
    small, any_count, flag = rng.randint(1, 4), rng.randint(-4, 9), rng.random() < 0.4
    steps = {
        "batch": ["batch", small, flag],
        "padded_batch": ["padded_batch", small, flag],
        "padded_to": ["padded_to", small, rng.randint(1, 7)],
        "unbatch": ["unbatch"],
        "take": ["take", any_count],
        "skip": ["skip", any_count],
        "repeat": ["repeat", rng.randint(0, 3)],
        "endless": ["endless", rng.randint(0, 12)],
        "shard": ["shard", rng.randint(2, 3), rng.randint(0, 1)],
        "cache": ["cache"],
        "prefetch": ["prefetch"],
        "enumerate": ["enumerate", rng.randint(-2, 3)],
        "double": ["double"],
        "tag": ["tag"],
        "keep_even": ["keep_even"],
        "first": ["first"],
        "window": ["window", small, rng.randint(1, 4), rng.randint(1, 3), flag],
        "padded_window": ["padded_window", small, rng.randint(1, 4), flag],
        "zip_self": ["zip_self"],
        "zip_one": ["zip_one"],
        "zip_short": ["zip_short", rng.randint(0, 6)],
        "concatenate_self": ["concatenate_self"],
        "concatenate_range": ["concatenate_range", rng.randint(0, 4)],
        "shuffle_one": ["shuffle_one"],
        "flat_range": ["flat_range"],
    }
    common = [
        "take",
        "skip",
        "repeat",
        "shard",
        "cache",
        "concatenate_self",
        "enumerate",
        "zip_self",
        "double",
        "zip_one",
    ]
    odd = [*steps]
    fitting = {
        0: ["batch", "batch", "keep_even", "flat_range", "window", "tag", "concatenate_range"],
        1: ["unbatch", "unbatch", "batch", "first", "tag"],
        "ragged": ["padded_batch", "padded_to", "padded_window", "unbatch", "first"],
        "any": ["batch", "unbatch"],
    }[rank]
    name = rng.choice(rng.choice([fitting, fitting, common, common, odd]))
    after = {
        "batch": {0: 1, "ragged": "any"}.get(rank, "any"),
        "padded_batch": "any",
        "unbatch": 0 if rank in (1, "ragged") else "any",
        "first": 0,
        "flat_range": 0,
        "window": {0: 1}.get(rank, "any"),
    }
    return steps[name], after.get(name, rank)


def build(library, description):
    """The plan, made with `library`: its `Dataset`, and the functions that transforms are given."""
    plan = _made(library, *description[0])
    for name, *arguments in description[1:]:
        plan = STEPS[name](library, plan, *arguments)
    return plan


def _made(library, name, *arguments):
    slices = library.Dataset.from_tensor_slices
    if name == "range":
        return library.Dataset.range(*arguments)
    if name == "none":
        return library.Dataset.range(0)
    if name == "one":
        return library.Dataset.from_tensors(np.arange(arguments[0], dtype=np.float32))
    if name == "ragged":
        return library.Dataset.range(1, 1 + arguments[0]).map(library.repeated)
    size = arguments[0]
    return {
        "slices": lambda: slices(np.arange(size, dtype=np.float64) / 2),
        "integers": lambda: slices(list(range(size)) or np.zeros(0, np.int32)),
        "floats": lambda: slices([n / 4 for n in range(size)] or np.zeros(0, np.float32)),
        "pair": lambda: slices((np.arange(size), np.arange(size, dtype=np.float32).reshape(size, 1))),
        "named": lambda: slices({"a": np.arange(size, dtype=np.int16), "b": (np.arange(size) % 2 == 0,)}),
        "table": lambda: slices(np.arange(size * arguments[1], dtype=np.int32).reshape(size, arguments[1])),
    }[name]()


def _leaves(element):
    if isinstance(element, tuple):
        return [leaf for part in element for leaf in _leaves(part)]
    if isinstance(element, dict):
        return [leaf for key in element for leaf in _leaves(element[key])]
    return [element]


def _map_leaves(function, element):
    if isinstance(element, tuple):
        return tuple(_map_leaves(function, part) for part in element)
    if isinstance(element, dict):
        return {key: _map_leaves(function, part) for key, part in element.items()}
    return function(element)


def _of_all(function):
    """A function for `map` of elements of any structure."""
    return lambda *parts: function(parts[0] if len(parts) == 1 else parts)


def _joined(library, *windows):
    """A data set of the elements of a window, or of windows side by side."""
    return library.Dataset.zip(windows) if len(windows) > 1 else library.Dataset.zip(windows[0])


STEPS = {
    "batch": lambda lib, p, size, drop: p.batch(size, drop_remainder=drop),
    "padded_batch": lambda lib, p, size, drop: p.padded_batch(size, drop_remainder=drop),
    "padded_to": lambda lib, p, size, length: p.padded_batch(size, padded_shapes=[length]),
    "unbatch": lambda lib, p: p.unbatch(),
    "take": lambda lib, p, count: p.take(count),
    "skip": lambda lib, p, count: p.skip(count),
    "repeat": lambda lib, p, count: p.repeat(count),
    "endless": lambda lib, p, count: p.repeat().take(count),
    "shard": lambda lib, p, count, index: p.shard(count, index),
    "cache": lambda lib, p: p.cache(),
    "prefetch": lambda lib, p: p.prefetch(2),
    "enumerate": lambda lib, p, start: p.enumerate(start),
    "double": lambda lib, p: p.map(_of_all(lambda e: _map_leaves(lib.doubled, e))),
    "tag": lambda lib, p: p.map(_of_all(lambda e: (e, 3, {"k": 0.5}))),
    "keep_even": lambda lib, p: p.filter(_of_all(lambda e: lib.is_even(_leaves(e)[0]))),
    "first": lambda lib, p: p.map(_of_all(lambda e: _leaves(e)[0][0])),
    "window": lambda lib, p, size, shift, stride, drop: p.window(size, shift, stride, drop).flat_map(
        lambda *w: _joined(lib, *w).batch(size)
    ),
    "padded_window": lambda lib, p, size, shift, drop: p.window(size, shift, 1, drop).flat_map(
        lambda *w: _joined(lib, *w).padded_batch(size)
    ),
    "zip_self": lambda lib, p: lib.Dataset.zip((p, p)),
    "zip_one": lambda lib, p: lib.Dataset.zip(p),
    "zip_short": lambda lib, p, count: lib.Dataset.zip({"p": p, "n": lib.Dataset.range(count)}),
    "concatenate_self": lambda lib, p: p.concatenate(p),
    "concatenate_range": lambda lib, p, count: p.concatenate(lib.Dataset.range(count)),
    "shuffle_one": lambda lib, p: p.shuffle(1),
    "flat_range": lambda lib, p: p.flat_map(_of_all(lambda e: lib.Dataset.range(lib.as_count(_leaves(e)[0])))),
}

MOST_ELEMENTS = 40


def outcome(library, description):
    """What the plan gives: {"elements", "cardinality", "spec"}, or {"error": when} ("making", "iterating" or "describing").

    Elements are [structure, [dtype, shape, values] of each part]; a plan of more than `MOST_ELEMENTS` tells these.
    """
    try:
        plan = build(library, description)
    except Exception:
        return {"error": "making"}
    try:
        elements = [plain(e) for _, e in zip(range(MOST_ELEMENTS), plan.as_numpy_iterator())]
    except Exception:
        return {"error": "iterating"}
    try:
        spec = library.spec(plan)
    except Exception:
        return {"error": "describing"}
    return {"elements": elements, "cardinality": int(library.cardinality(plan)), "spec": spec}


def plain(element):
    """An element as JSON."""
    return [
        _structure(element),
        [[str(np.asarray(a).dtype), list(np.shape(a)), np.ravel(a).tolist()] for a in _leaves(element)],
    ]


def _structure(element):
    if isinstance(element, tuple):
        return [_structure(part) for part in element]
    if isinstance(element, dict):
        return {key: _structure(part) for key, part in element.items()}
    return "."


def plain_spec(spec, shape_of, dtype_of):
    """A spec as JSON: [structure, [dtype, shape] of each part]."""
    parts = []
    for part in _leaves(spec):
        shape = shape_of(part)
        parts.append([dtype_of(part), None if shape is None else list(shape)])
    return [_structure(spec), parts]

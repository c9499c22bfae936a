"""`phasewise.tree`: nests of tuples, lists and dicts, as Keras walks them."""

import collections

import keras
import pytest

import phasewise as pw

Pair = collections.namedtuple("Pair", "left right")
NESTS = {
    "leaf": 3,
    "none": None,
    "empty": [],
    "mixed": {"b": [1, (2, None)], "a": 4},
    "ordered": collections.OrderedDict([("b", 1), ("a", [2])]),
    "named": Pair(1, [2, 3]),
    "default": collections.defaultdict(list, {"x": [1], "w": 2}),
}
each = pytest.mark.parametrize("nest", NESTS.values(), ids=NESTS)


@each
def test_nests_are_walked_as_in_keras(nest):
    for name in ("flatten", "flatten_with_path", "is_nested", "lists_to_tuples"):
        assert getattr(pw.tree, name)(nest) == getattr(keras.tree, name)(nest), name
    leaves = [str(leaf) for leaf in pw.tree.flatten(nest)]
    assert pw.tree.pack_sequence_as(nest, leaves) == keras.tree.pack_sequence_as(nest, leaves)
    assert pw.tree.map_structure(str, nest) == keras.tree.map_structure(str, nest)
    assert type(pw.tree.map_structure(str, nest)) is type(keras.tree.map_structure(str, nest))


@each
@pytest.mark.parametrize("top_down", [True, False])
def test_parts_are_replaced_as_in_keras(nest, top_down):
    def double(tree):
        def function(part):
            if part is None:
                return "nothing"
            if part == 4:
                return tree.MAP_TO_NONE
            return part * 2 if isinstance(part, int) else tuple(part) if part == [2, 3] else None

        return function

    assert pw.tree.traverse(double(pw.tree), nest, top_down) == keras.tree.traverse(double(keras.tree), nest, top_down)


def test_none_is_handed_on_or_left_alone():
    assert pw.tree.map_structure(str, [1, None]) == ["1", "None"]
    assert pw.tree.map_structure(str, [1, None], none_is_leaf=False) == ["1", None]


def test_several_nests_are_mapped_together_down_to_a_depth():
    assert pw.tree.map_structure(lambda a, b: a + b, {"a": 1}, {"a": 2}) == {"a": 3}
    assert pw.tree.map_structure_up_to([0, 0], len, [[1, 2], [3]]) == [2, 1]


def test_shapes_are_leaves():
    shapes = {"a": (None, 3), "b": [(2,), [4, None]]}
    assert pw.tree.map_shape_structure(len, shapes) == {"a": 2, "b": [1, 2]}


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1, 2], (1, 2), "The structures differ at the top: list and tuple"),
        ({"a": 1}, {"b": 1}, r"The structures differ at the top: the keys \['a'\] and the keys \['b'\]"),
        ({"a": [1, 2]}, {"a": [1]}, r"The structures differ at \['a'\]: 2 entries and 1 entries"),
        ([1, [2]], [1, 2], r"The structures differ at \[1\]: list and int"),
    ],
)
def test_nests_that_differ_are_told_apart(first, second, message):
    for call in (pw.tree.assert_same_structure, lambda *both: pw.tree.map_structure(max, *both)):
        with pytest.raises(ValueError, match=message):
            call(first, second)
    with pytest.raises(ValueError):
        keras.tree.assert_same_structure(first, second)


def test_alike_nests_pass_whatever_their_leaves():
    pw.tree.assert_same_structure({"a": [1, None]}, collections.OrderedDict(a=["x", 2.0]))
    pw.tree.assert_same_paths([1, 2], (3, 4))


def test_what_cannot_be_made_is_refused():
    with pytest.raises(ValueError, match=r"other paths: only in the first: \[1\]"):
        pw.tree.assert_same_paths([1, 2], [1])
    with pytest.raises(ValueError, match="pack_sequence_as needs 2 leaves for this structure; got 1"):
        pw.tree.pack_sequence_as([1, 2], [1])
    with pytest.raises(ValueError, match="map_structure needs at least one structure"):
        pw.tree.map_structure(str)

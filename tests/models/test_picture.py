"""Pictures of models: every layer is a box, every connection an arrow, and the phase can be drawn in."""

import json
import sys
import xml.etree.ElementTree as ElementTree

import pytest

import phasewise as pw
from phasewise import layers


def forked():
    x = pw.Input((4,), name="facts")
    h = layers.Dense(4, activation="relu", name="first")(x)
    inner = pw.Sequential([layers.BatchNormalization(name="norm"), layers.Dropout(0.5, name="drop")], name="inner")
    return pw.Model(x, layers.Dense(1, name="last")(layers.Add(name="sum")([inner(h), h])))


def of(drawn):
    """The titles of the boxes with the lines below, and the arrows between the titles."""
    lines = drawn.to_string().splitlines()
    boxes = {
        line.split()[0]: line.split('label="')[1].split('"')[0].split("\\n") for line in lines if 'label="' in line
    }
    arrows = [line.rstrip(";").split(" -> ") for line in lines if " -> " in line]
    return {text[0]: text[1:] for text in boxes.values()}, {
        (boxes[a][0].split()[0], boxes[b][0].split()[0]) for a, b in arrows
    }


def texts(svg):
    return [each.text for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_every_layer_is_a_box_and_every_connection_an_arrow():
    boxes, arrows = of(pw.utils.model_to_dot(forked()))
    assert list(boxes) == ["facts (InputLayer)", "first (Dense)", "inner (Sequential)", "sum (Add)", "last (Dense)"]
    assert arrows == {("facts", "first"), ("first", "inner"), ("inner", "sum"), ("first", "sum"), ("sum", "last")}


def test_models_inside_are_opened():
    _, arrows = of(pw.utils.model_to_dot(forked(), expand_nested=True))
    inside = {("first", "inner/norm"), ("inner/norm", "inner/drop"), ("inner/drop", "sum")}
    assert arrows == {("facts", "first"), ("first", "sum"), ("sum", "last")} | inside


def test_the_boxes_say_what_is_asked_for():
    model = forked()
    model.get_layer("last").trainable = False
    settings = {"show_shapes": True, "show_dtype": True, "show_layer_activations": True, "show_trainable": True}
    boxes, _ = of(pw.utils.model_to_dot(model, **settings))
    assert boxes["first (Dense)"] == ["activation relu", "output (None, 4)", "float32", "trainable"]
    assert boxes["last (Dense)"][-1] == "frozen"
    assert list(of(pw.utils.model_to_dot(model, show_layer_names=False))[0])[:2] == ["InputLayer", "Dense"]


def test_the_phase_of_each_layer_is_drawn_in():
    drawn = pw.utils.model_to_dot(forked(), expand_nested=True, show_phase=True)
    boxes, _ = of(drawn)
    assert boxes["inner/norm (BatchNormalization)"] == ["fit: training", "predict: inference"]
    assert boxes["inner/drop (Dropout)"] == ["fit: training", "predict: inference"]
    assert boxes["sum (Add)"] == []


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_our_own_picture_holds_the_same_words(tmp_path, rankdir):
    path = tmp_path / "model.svg"
    drawn = pw.utils.plot_model(forked(), path, show_layer_names=True, rankdir=rankdir)
    assert texts(path.read_text(encoding="utf-8")) == list(of(drawn)[0])
    assert path.read_text(encoding="utf-8") == drawn._repr_svg_()


def test_a_chain_that_is_not_built_and_a_subclass_are_drawn():
    chain = pw.Sequential([layers.Dense(2, name="a"), layers.Dense(1, name="b")])
    assert of(pw.utils.model_to_dot(chain))[1] == {("a", "b")}

    class Own(pw.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(1, name="a"), layers.Dense(1, name="b")

        def call(self, inputs):
            return self.b(self.a(inputs))

    assert list(of(pw.utils.model_to_dot(Own()))[0]) == ["a (Dense)", "b (Dense)"]


def test_where_graphviz_is_not_found_an_svg_is_written_and_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.warns(UserWarning, match=r"dot was not found, which draws \.png files: the picture is in .*model\.svg"):
        pw.utils.plot_model(forked(), tmp_path / "model.png")
    assert (tmp_path / "model.svg").exists() and not (tmp_path / "model.png").exists()


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(TypeError, match="model_to_dot has no argument 'show_shape'"):
        pw.utils.model_to_dot(forked(), show_shape=True)
    with pytest.raises(ValueError, match="rankdir is one of 'TB', 'LR'; got 'BT'"):
        pw.utils.model_to_dot(forked(), rankdir="BT")
    with pytest.raises(ValueError, match="has no layers to draw"):
        pw.utils.model_to_dot(pw.Sequential())


# -- Graphviz

FAKE = """#!{python}
import json, sys
given = sys.stdin.read()
if "-Txyz" in sys.argv:
    sys.exit('Format: "xyz" not recognized.')
with open(sys.argv[sys.argv.index("-o") + 1], "w") as file:
    json.dump([sys.argv[1:], given], file)
"""


@pytest.fixture
def graphviz(tmp_path, monkeypatch):
    """A program `dot`, which writes down what it was given; and no pydot."""
    program = tmp_path / "bin" / "dot"
    program.parent.mkdir()
    program.write_text(FAKE.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setitem(sys.modules, "pydot", None)


@pytest.mark.parametrize(("name", "kind"), [("model.png", "png"), ("model.pdf", "pdf"), ("model", "png")])
def test_graphviz_draws_what_model_to_dot_says(graphviz, tmp_path, name, kind):
    model, path = forked(), tmp_path / name
    settings = {"show_shapes": True, "expand_nested": True, "rankdir": "LR", "dpi": 70, "show_layer_names": True}
    drawn = pw.utils.plot_model(model, path, **settings)
    arguments, given = json.loads(path.read_text())
    assert arguments == [f"-T{kind}", "-o", str(path)]
    assert given == drawn.to_string() == pw.utils.model_to_dot(model, **settings).to_string()
    assert given.startswith("digraph G {\nrankdir=LR; dpi=70; splines=ortho;\n")
    assert not list(tmp_path.glob("*.svg"))


def test_what_graphviz_refuses_is_said_in_its_words(graphviz, tmp_path):
    with pytest.raises(RuntimeError, match=r'could not draw .*model\.xyz: Format: "xyz" not recognized\.'):
        pw.utils.plot_model(forked(), tmp_path / "model.xyz")


def test_svg_and_text_need_no_graphviz(graphviz, tmp_path):
    for ending in ("svg", "dot"):
        pw.utils.plot_model(forked(), tmp_path / f"model.{ending}")
    assert (tmp_path / "model.svg").read_text().startswith("<svg")
    assert (tmp_path / "model.dot").read_text() == pw.utils.model_to_dot(forked(), show_layer_names=False).to_string()


def test_a_part_of_a_larger_graph_has_names_of_its_own():
    parts = [
        pw.utils.model_to_dot(pw.Sequential([pw.Input((3,)), layers.Dense(1)], name=n), subgraph=True) for n in "ab"
    ]
    first, second = (part.to_string() for part in parts)
    assert first.startswith('subgraph "cluster_a" {\nlabel="a";\n')
    assert '"a/0" [label=' in first
    assert '"b/0" [label=' in second
    assert first.count("{") == first.count("}") == 1


def test_signs_that_end_a_string_are_written_as_signs():
    model = pw.Sequential([pw.Input((3,)), layers.Dense(1, name='a"b\\c')])
    assert 'label="a\\"b\\\\c (Dense)"' in pw.utils.model_to_dot(model).to_string()

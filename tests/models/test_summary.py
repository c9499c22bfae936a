"""summary: what the table says, whatever it looks like."""

import keras
import numpy as np
import pytest

import phasewise as pw


def make(K):
    """A model of two inputs with a model inside, in which one layer is frozen."""
    x, y = K.Input((5,), name="left"), K.Input((5,), name="right")
    hidden = K.layers.Add(name="sum")([x, y])
    inner = K.Sequential(
        [K.Input((5,)), K.layers.Dense(200, name="wide"), K.layers.BatchNormalization(name="norm")], name="inner"
    )
    inner.layers[0].trainable = False
    return K.Model([x, y], [inner(hidden), hidden], name="net")


def text(model, **options):
    """The summary as one string."""
    parts = []
    model.summary(print_fn=lambda line, **_: parts.append(line), **options)
    return "\n".join(parts)


def row(table, name):
    """The line of the layer `name`."""
    lines = [line for line in table.splitlines() if line.strip().startswith(f"{name} (")]
    assert len(lines) == 1, table
    return lines[0]


def test_every_layer_has_a_row_with_its_class_shape_and_number_of_weights():
    table = text(make(pw))
    assert '"net"' in table
    for name, *cells in [
        ("left", "(InputLayer)", "(None, 5)", " 0"),
        ("right", "(InputLayer)", "(None, 5)", " 0"),
        ("sum", "(Add)", "(None, 5)", " 0"),
        ("inner", "(Sequential)", "(None, 200)", " 2,000"),
    ]:
        assert all(cell in row(table, name) for cell in cells), row(table, name)
    assert "wide (" not in table


def test_the_totals_are_those_of_keras():
    def totals(K):
        return [line.strip() for line in text(make(K)).splitlines() if "params:" in line]

    assert totals(pw) == totals(keras)
    assert len(totals(pw)) == 3


def test_nested_layers_are_listed_on_request_and_further_in():
    table = text(make(pw), expand_nested=True)
    assert "(None, 200)" in row(table, "wide") and "1,200" in row(table, "wide")
    assert "800" in row(table, "norm")
    assert row(table, "wide").index("wide") > row(table, "inner").index("inner")


def test_frozen_layers_are_marked_on_request():
    table = text(make(pw), expand_nested=True, show_trainable=True)
    assert "Trainable" in table and row(table, "wide").endswith("frozen")
    assert row(table, "norm").endswith("yes") and row(table, "sum").endswith("-")
    assert "frozen" not in text(make(pw), expand_nested=True)


@pytest.mark.parametrize("line_length", [40, 60, 120])
def test_lines_keep_to_the_length_and_lose_no_letter(line_length):
    name = "a_name_that_is_longer_than_what_fits_into_its_column"
    model = pw.Sequential([pw.Input((5,)), pw.layers.Dense(2, name=name)])
    table = text(model, line_length=line_length)
    body = table.splitlines()[:-4]
    assert max(map(len, body)) <= line_length
    first_column = "".join(line[: len(line) - len(line.lstrip()) + 200].split("  ")[0].strip() for line in body)
    assert name in first_column.replace(" ", "")


def test_positions_say_where_columns_end():
    model = pw.Sequential([pw.Input((5,)), pw.layers.Dense(2, name="dense")])
    for positions in ([0.5, 0.8, 1.0], [50, 80, 100]):
        line = row(text(model, line_length=100, positions=positions), "dense")
        assert 48 <= line.index("(None, 2)") <= 54


def test_layer_range_takes_names_and_patterns():
    model = pw.Sequential([pw.Input((5,)), *(pw.layers.Dense(2, name=f"d{i}") for i in range(5))])
    names = [line.split()[0] for line in text(model, layer_range=["d1", "d[23]"]).splitlines() if "(Dense)" in line]
    assert names == ["d1", "d2", "d3"]
    with pytest.raises(ValueError, match=r"No layer matches layer_range=\('x', 'd1'\); the layers are d0, d1"):
        model.summary(layer_range=["x", "d1"])


def test_a_subclass_has_question_marks_until_it_is_built():
    class Mine(pw.Model):
        def __init__(self):
            super().__init__(name="mine")
            self.dense = pw.layers.Dense(2, name="dense")

        def call(self, x):
            return self.dense(x), x

    model = Mine()
    assert "?" in row(text(model), "dense")
    model(np.ones((4, 5), "float32"))
    assert "(None, 2)" in row(text(model), "dense") and "12" in row(text(model), "dense")
    outer = pw.Sequential([pw.Input((5,)), model])
    assert "(None, 2), (None, 5)" in row(text(outer), "mine")


def test_it_is_printed_where_no_function_is_given(capsys):
    make(pw).summary()
    assert '"net"' in capsys.readouterr().out


class Later(pw.Model):
    def __init__(self):
        super().__init__(name="later")
        self.dense, self.unused = pw.layers.Dense(3, name="used"), pw.layers.Dense(2, name="unused")

    def call(self, x):
        return self.dense(x)


@pytest.mark.parametrize("make", [Later, lambda: pw.Sequential([pw.layers.Dense(3, name="used")], name="later")])
def test_a_model_that_is_not_built_says_so_and_what_to_do(make):
    model = make()
    table = text(model)
    assert "'later' is not built" in table
    assert "Call it on data, fit it, or call build(input_shape)." in table
    assert "unbuilt" in row(table, "used")
    model.build((None, 4))
    assert "15" in row(text(model), "used")
    assert "is not built" not in text(model)


def test_a_layer_that_no_call_has_reached_is_named():
    model = Later()
    model(np.zeros((2, 4), "float32"))
    assert "Not built, for no call has reached it yet: 'unused'." in text(model)
    assert "unbuilt" in row(text(model), "unused")
    assert "not built" not in text(make(pw)).lower()

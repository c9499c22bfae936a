"""A fresh start, symbolic tensors and where they come from, the progress bar of a loop of one's own."""

import keras
import pytest

import phasewise as pw

U = pw.utils


def test_after_clear_session_names_begin_anew():
    U.clear_session()
    first = pw.layers.Dense(1).name
    assert pw.layers.Dense(1).name != first
    U.clear_session()
    assert pw.layers.Dense(1).name == first == "dense"


def test_a_symbolic_tensor_knows_its_inputs():
    a, b = pw.Input((2,)), pw.Input((2,))
    x = pw.layers.Add()([a, b])
    y = pw.layers.Concatenate()([pw.layers.Dense(3)(x), a, x])
    assert U.get_source_inputs(y) == [a, b]
    assert U.get_source_inputs(a) == [a]
    assert U.is_keras_tensor(y) and not U.is_keras_tensor(3.0)
    with pytest.raises(ValueError, match="takes a symbolic tensor, as Input and layers return; got int"):
        U.get_source_inputs(3)


def test_the_inputs_come_in_the_order_of_keras():
    def tensors(library):
        a, b, c = (library.Input((2,), name=name) for name in "abc")
        inner = library.layers.Add()([b, a])
        return library.layers.Concatenate()([inner, c, a])

    ours, theirs = tensors(pw), tensors(keras)
    assert [t.name for t in U.get_source_inputs(ours)] == [t.name for t in keras.utils.get_source_inputs(theirs)]


def test_the_bar_shows_the_mean_over_all_steps_at_the_end(capsys):
    bar = U.Progbar(4, stateful_metrics=["rate"])
    bar.update(1, [("loss", 1.0), ("rate", 5.0)])
    bar.add(3, [("loss", 3.0), ("rate", 6.0)])
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1  # no terminal: the line is written when it is final
    assert shown.startswith("4/4") and "loss 2.5000" in shown and "rate 6.0000" in shown and "/step" in shown


def test_the_bar_can_average_only_what_it_is_told_to(capsys):
    bar = U.Progbar(2, stateless_metrics=["loss"], unit_name="sample", verbose=2)
    bar.update(1, [("loss", 1.0), ("rate", 5.0)])
    bar.update(2, [("loss", 2.0), ("rate", 6.0)])
    shown = capsys.readouterr().out
    assert "loss 1.5000" in shown and "rate 6.0000" in shown and "/sample" in shown and "━" not in shown


def test_what_a_loop_tells_after_the_last_step_takes_the_place_of_the_mean(capsys):
    bar = U.Progbar(None)
    bar.update(1, [("loss", 1.0)])
    bar.update(1, [("loss", 7.0)], finalize=True)
    assert "loss 7.0000" in capsys.readouterr().out


def test_a_silent_bar_writes_nothing(capsys):
    U.Progbar(1, verbose=0).update(1, [("loss", 1.0)])
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="takes stateful_metrics or stateless_metrics, not both"):
        U.Progbar(1, stateful_metrics=[], stateless_metrics=[])


def test_interactive_logging_is_switched():
    assert U.is_interactive_logging_enabled()
    U.disable_interactive_logging()
    assert not U.is_interactive_logging_enabled()
    U.enable_interactive_logging()
    assert U.is_interactive_logging_enabled()

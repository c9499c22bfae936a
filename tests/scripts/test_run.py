"""A script written for Keras runs unchanged: what it imports, what it sees of the process, how it ends."""

import os
import pickle
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import keras
import pytest

import phasewise as pw
from phasewise.cli.entry import main
from phasewise.scripts import places, running

EXAMPLE = Path(__file__).parents[2] / "examples" / "seed.py"
ORIGINAL = """
from tensorflow.python.data import Dataset
from tensorflow.python.keras import Input, Model
from tensorflow.python.keras.layers import BatchNormalization, Dense
"""


@pytest.fixture
def script(tmp_path):
    """A function that writes a script and returns its path."""

    def write(text, name="train.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write


@pytest.fixture
def found(script):
    """A function that runs a script and returns what it leaves behind."""
    return lambda text, *arguments: types.SimpleNamespace(**pw.run(script(text), arguments))


@pytest.fixture
def command(script, capsys):
    """A function that runs `phasewise run` on a script, and returns (exit status, printed, complaints)."""

    def run(text, *arguments):
        with running.elsewhere():
            status = main(["run", str(script(text)), *arguments])
        return status, *capsys.readouterr()

    return run


# -- what it imports


@pytest.mark.filterwarnings("ignore:Conversion of an array:DeprecationWarning")  # int(x) of the script itself
@pytest.mark.few(1)
@pytest.mark.parametrize(("options", "low", "high"), [(["--pinned"], 80, 100), ([], 45, 55)])
def test_the_experiment_with_its_original_import_lines_runs(found, capsys, options, low, high):
    text = EXAMPLE.read_text().replace("from phasewise import Dataset, Input, Model\n", ORIGINAL)
    text = text.replace("from phasewise.layers import BatchNormalization, Dense\n", "")
    assert "phasewise" not in text.split('"""')[2]
    pw.set_random_seed(18)
    found(text, *options)
    assert low <= int(capsys.readouterr().out.split("right of 100 displaced rows:")[1]) <= high


@pytest.mark.parametrize("root", ["keras", "keras.api", "tf_keras", "tensorflow.keras", "tensorflow.python.keras"])
def test_every_way_to_import_keras_leads_to_phasewise(found, root):
    it = found(f"""
        import {root} as K
        from {root} import layers, Model
        from {root}.layers import Dense
        from {root}.layers.core import Dropout
        from {root}.optimizers.schedules import CosineDecay
        import {root}.backend as B, {root}.ops.numpy as N
        from {root}.losses import *
    """)
    assert (it.Dense, it.Model, it.layers.Dropout) == (pw.layers.Dense, pw.Model, it.Dropout)
    assert it.Dropout is pw.layers.Dropout
    assert it.CosineDecay is pw.optimizers.schedules.CosineDecay
    assert it.B.epsilon is pw.backend.epsilon
    assert it.N.matmul is pw.ops.matmul
    assert it.Huber is pw.losses.Huber
    assert it.K.__version__ == it.K.version() == keras.__version__


@pytest.mark.parametrize(
    "line",
    [
        "from tensorflow.data import Dataset",
        "from tensorflow.python.data import Dataset",
        "from tensorflow.python.data.ops.dataset_ops import Dataset",
        "import tensorflow as tf; Dataset = tf.data.Dataset",
    ],
)
def test_every_way_to_import_plans_leads_to_phasewise(found, line):
    assert found(line).Dataset is pw.Dataset


def test_the_modules_are_those_of_keras():
    def below(module, name=""):
        for each, value in vars(module).items():
            if isinstance(value, types.ModuleType) and value.__name__ == f"keras{name}.{each}" and each not in OWN:
                yield f"{name}.{each}"[1:]
                yield from below(value, f"{name}.{each}")

    OWN = {"src", "api", "_tf_keras"}
    theirs = {name for name in below(keras) if not name.startswith("applications.")}
    assert theirs == set(places.MODULES)


def test_a_keras_that_is_installed_is_neither_imported_nor_changed(script, found):
    script("raise AssertionError('imported')", "keras.py")
    script("raise AssertionError('imported')", "tensorflow.py")
    it = found("import sys, keras, tensorflow\nnames = [n for n in sys.modules if n.startswith('keras.src')]")
    assert it.names == []
    assert it.keras.layers.Dense is pw.layers.Dense
    assert sys.modules["keras"] is keras
    assert keras.layers.Dense is not pw.layers.Dense


def test_what_is_set_in_a_module_is_set_in_ours_and_can_be_taken_back(found):
    it = found("""
        from unittest import mock
        import keras
        with mock.patch.object(keras.backend, "epsilon", lambda: 0.5):
            import phasewise
            inside = phasewise.backend.epsilon()
        outside = keras.backend.epsilon()
    """)
    assert (it.inside, it.outside) == (0.5, 1e-7)
    assert pw.backend.epsilon is pw.config.epsilon


def test_tensorboard_does_not_take_the_stand_in_for_tensorflow(found, tmp_path):
    pytest.importorskip("tensorboard")
    found(
        """
        import sys
        import numpy as np
        import tensorflow as tf

        model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(np.ones((4, 2)), np.ones(4), verbose=0, callbacks=[tf.keras.callbacks.TensorBoard(sys.argv[1])])
        """,
        tmp_path / "log",
    )
    assert list((tmp_path / "log").rglob("events*"))


# -- names that are missing

HERE = "here: phasewise stands in for it while this script runs."


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("from keras.layers import Densee", ImportError, f"keras.layers has no 'Densee' {HERE} Did you mean 'Dense'?"),
        ("import keras; keras.layers.Densee", AttributeError, "Did you mean 'Dense'?"),
        ("import keras.lyers", ModuleNotFoundError, f"keras has no 'lyers' {HERE} Did you mean 'layers'?"),
        ("from tensorflow.keras.layer import Dense", ModuleNotFoundError, "Did you mean 'layers'?"),
        ("import tensorflow as tf; tf.reduce_men", AttributeError, "Did you mean 'reduce_mean'?"),
        ("import tensorflow as tf; tf.GradientTape", AttributeError, "override train_step"),
        ("from tensorflow.compat.v1 import Session", ModuleNotFoundError, "nothing of TensorFlow 1"),
        ("from tensorflow.python.framework import ops", ModuleNotFoundError, "tensorflow.python has no 'framework'"),
        ("from keras.src.layers import Dense", ModuleNotFoundError, "from keras.layers import Dense"),
        ("from keras.applications import ResNet50", ModuleNotFoundError, "have to be downloaded"),
        ("from keras.optimizers.legacy import Adam", ModuleNotFoundError, "of the same name in optimizers"),
        ("from keras.preprocessing.image import ImageDataGenerator", ImportError, "image_dataset_from_directory"),
        ("from keras.wrappers.scikit_learn import KerasClassifier", ModuleNotFoundError, "SKLearnClassifier"),
    ],
)
def test_a_name_that_is_missing_is_refused_with_what_is_near_or_why(found, line, error, message):
    with pytest.raises(error) as caught:
        found(line)
    assert message in str(caught.value)


def test_a_name_that_is_asked_for_is_simply_not_there(found):
    it = found("""
        import keras, tensorflow as tf
        there = hasattr(keras.layers, "Dense"), hasattr(keras.layers, "Densee"), hasattr(tf, "__foo__")
        try:
            from keras.layers import Densee
        except ImportError:
            Densee = None
        listed = dir(keras.layers), dir(keras), dir(tf)
    """)
    assert it.there == (True, False, False)
    assert it.Densee is None
    assert {"Dense", "layers", "keras"} <= {name for names in it.listed for name in names}
    assert "annotations" not in it.listed[0]


# -- what it sees of the process


def test_a_script_sees_the_process_as_python_would_show_it(script, found, tmp_path):
    script("from keras.layers import Dense", "beside.py")
    before = list(sys.argv), list(sys.path), sys.modules["__main__"]
    it = found(
        """
        import sys
        import beside
        main, argv, first = sys.modules["__main__"], sys.argv, sys.path[0]
        is_main = __name__ == "__main__" and vars(main) is globals()
        """,
        "--epochs",
        3,
    )
    assert it.argv == [str(tmp_path / "train.py"), "--epochs", "3"]
    assert it.__file__ == it.argv[0]
    assert it.first == str(tmp_path)
    assert it.is_main
    assert it.beside.Dense is pw.layers.Dense
    assert (sys.argv, sys.path, sys.modules["__main__"]) == before
    del sys.modules["beside"]


def test_the_name_stays_as_it_was_given_and_the_file_is_absolute(script, tmp_path, monkeypatch):
    script("import sys\nname = sys.argv[0]")
    monkeypatch.chdir(tmp_path)
    left = pw.run("train.py")
    assert (left["name"], left["__file__"]) == ("train.py", str(tmp_path / "train.py"))


def test_every_word_behind_the_script_is_its_own(command):
    _, printed, _ = command("import sys; print(sys.argv[1:])", "--", "-m", "-h", "--seed=3")
    assert printed == "['--', '-m', '-h', '--seed=3']\n"


def test_tensors_and_elements_of_plans_have_numpy(found):
    it = found("""
        import numpy as np
        import tensorflow as tf
        plan = tf.data.Dataset.from_tensor_slices((np.eye(2), [3, 4]))
        pairs = [(x.numpy(), y.numpy()) for x, y in plan]
        plain = [type(x) for x, _ in plan.as_numpy_iterator()]
        total = tf.reduce_sum(tf.constant([1.0, 2.0])).numpy()
    """)
    assert [int(y) for _, y in it.pairs] == [3, 4]
    assert [type(x).__name__ for x, _ in it.pairs] == ["ndarray", "ndarray"]
    assert {kind.__name__ for kind in it.plain} == {"ndarray"}
    assert it.total == 3
    assert not hasattr(pw.ops.ones(1), "numpy")


# -- how it ends


def test_a_traceback_shows_the_lines_of_the_script_and_none_of_what_runs_it(command, tmp_path):
    status, _, complaints = command("""
        import keras
        def broken():
            return keras.layers.Densee
        broken()
    """)
    assert status == 1
    lines = [line.split(",")[0:2] for line in complaints.splitlines() if line.strip().startswith("File")]
    assert [line[0].strip() for line in lines] == [f'File "{tmp_path / "train.py"}"'] * 2
    assert complaints.splitlines()[-1].startswith("AttributeError: keras.layers has no 'Densee'")


def test_an_error_of_phasewise_keeps_the_lines_that_tell_where_it_arose(command):
    _, _, complaints = command("import keras\nkeras.layers.Dense(-1)")
    assert "keras.layers.Dense(-1)" in complaints
    assert f"layers{os.sep}dense.py" in complaints
    assert f"scripts{os.sep}" not in complaints


def test_a_mistake_of_syntax_is_shown_as_python_shows_it(command):
    status, _, complaints = command("x = (")
    assert status == 1
    assert "Traceback" not in complaints
    assert complaints.splitlines()[-1] == "SyntaxError: '(' was never closed"


def test_a_warning_of_the_script_looks_as_python_shows_it(command, tmp_path):
    with pytest.warns(UserWarning, match="so") as found:
        _, _, complaints = command("import warnings\nwarnings.warn('so')")
    assert [(each.filename, each.lineno) for each in found] == [(str(tmp_path / "train.py"), 2)]
    assert complaints == ""


def test_the_exit_status_is_the_scripts(command):
    assert command("pass")[0] == 0
    assert command("raise KeyboardInterrupt")[0] == 130
    with pytest.raises(SystemExit) as caught:
        command("raise SystemExit(7)")
    assert caught.value.code == 7


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give the path of a script"),
        (["nowhere.py"], "the script nowhere.py cannot be read: No such file"),
        (["."], ". is a folder"),
        (["a.ipynb"], "a.ipynb is a notebook; make a script of it: jupyter nbconvert"),
        (["-m", "nowhere.at.all"], "no module 'nowhere.at.all' can be run: No module named 'nowhere'"),
        (["-m", "xml"], "there is no module 'xml' to run"),
    ],
)
def test_what_is_no_script_is_refused(capsys, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    with running.elsewhere():
        assert main(["run", *words]) == 2
    assert f"phasewise run: {message}" in capsys.readouterr().err


def test_from_python_a_script_that_is_none_is_refused_and_an_error_comes_through(found):
    with pytest.raises(ValueError, match=r"nowhere\.py cannot be read"):
        pw.run("nowhere.py")
    with pytest.raises(ZeroDivisionError):
        found("1 / 0")


PROCESSES = """
import multiprocessing, pickle, sys
import keras
from tensorflow.keras.layers import Dense

def told(_):
    return Dense.__module__, keras.__doc__.split(",")[0], sys.argv[1:]

class Own(keras.layers.Layer):
    pass

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(*pool.map(told, [0])[0])
    print(pickle.loads(pickle.dumps(keras.layers)) is keras.layers, pickle.loads(pickle.dumps(Own)) is Own)
    sys.exit(7)
"""


@pytest.mark.few(1)
@pytest.mark.parametrize("how", ["file", "module"])
def test_processes_that_a_script_starts_have_the_stand_ins_too(tmp_path, how):
    (tmp_path / "train.py").write_text(PROCESSES)
    words = ["train.py"] if how == "file" else ["-m", "train"]
    start = [sys.executable, "-c", "from phasewise.cli.entry import main; raise SystemExit(main())", "run"]
    there = {**os.environ, "PYTHONPATH": str(Path(pw.__file__).parents[1])}
    done = subprocess.run([*start, *words, "--x"], capture_output=True, text=True, cwd=tmp_path, env=there, timeout=120)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["phasewise.layers.dense phasewise ['--x']", "True True"]
    assert done.returncode == 7


def test_a_stand_in_that_was_pickled_is_found_by_who_unpickles_it(found):
    pickled = found("import pickle, keras.layers\nbytes = pickle.dumps(keras.layers)").bytes
    with running.elsewhere():
        assert pickle.loads(pickled).Dense is pw.layers.Dense

"""A model as a StableHLO file: it runs without phasewise, and computes what predict computes."""

import json
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

pytestmark = pytest.mark.as_for_users

RNG = np.random.default_rng(0)

ALONE = """
import sys
sys.modules["phasewise"] = None  # importing it is an ImportError
import jax, numpy as np
path, inputs, outputs = sys.argv[1:]
program = jax.export.deserialize(bytearray(open(path, "rb").read()))
np.save(outputs, program.call(np.load(inputs)))
"""


def rows(*shape):
    return RNG.normal(size=shape).astype("float32")


def away_from_start(model):
    """`model` with statistics that are not those it began with."""
    for v in model.non_trainable_variables:
        v.assign(RNG.uniform(0.5, 2, v.shape))
    return model


@pytest.fixture(scope="module")
def convolutional():
    """A model with a convolution, batch normalization, pooling and dropout."""
    chain = [layers.Conv2D(4, 3, padding="same", use_bias=False), layers.BatchNormalization(name="bn"), layers.ReLU()]
    chain += [
        layers.MaxPooling2D(),
        layers.Dropout(0.5),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, name="dense"),
    ]
    return away_from_start(pw.Sequential([pw.Input((8, 8, 2), name="image"), *chain], name="net"))


def exported(model, path, **options):
    model.export(path, format="stablehlo", verbose=False, **options)
    return pw.export.load(path)


def differs_by(found, wanted):
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True)
    return max(np.abs(np.float64(a) - np.float64(b)).max() for a, b in pairs)


def test_the_file_runs_where_phasewise_cannot_be_imported(convolutional, tmp_path):
    convolutional.export(tmp_path / "net.stablehlo", verbose=False)
    x = rows(5, 8, 8, 2)
    np.save(tmp_path / "x.npy", x)
    names = [str(tmp_path / name) for name in ("net.stablehlo", "x.npy", "y.npy")]
    done = subprocess.run([sys.executable, "-c", ALONE, *names], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert differs_by(np.load(tmp_path / "y.npy"), convolutional.predict(x, verbose=0)) < 1e-6


def test_any_number_of_rows_in_batches_of_one_size(convolutional, tmp_path):
    served = exported(convolutional, tmp_path / "net")
    x = rows(70, 8, 8, 2)
    wanted = convolutional.predict(x, verbose=0)
    assert differs_by(served.predict(x), wanted) < 1e-6
    assert differs_by(served.predict(x, batch_size=7), wanted) < 1e-6
    assert differs_by(served(x[:1]), wanted[:1]) < 1e-6
    assert not served.rows_mix and not served.takes_seed


def test_the_file_tells_names_and_shapes_and_nothing_of_the_machine(convolutional, tmp_path):
    served = exported(convolutional, tmp_path / "net")
    assert repr(served) == "<Served 'net': image float32[batch, 8, 8, 2] -> dense float32[batch, 3]>"
    assert (served.input_shapes, served.output_shapes) == (("batch", 8, 8, 2), ("batch", 3))
    about = json.loads(served.exported.fun_name)
    assert (about["inputs"], about["outputs"]) == (["image"], ["dense"])
    content = (tmp_path / "net").read_bytes()
    assert os.path.dirname(pw.__file__).encode() not in content and b".py" not in content


def test_structures_of_inputs_and_outputs_are_kept(tmp_path):
    left, right = pw.Input((3,), name="left"), pw.Input((4,), name="right")
    both = layers.Concatenate()([left, right])
    head, tail = layers.Dense(2, name="head")(both), layers.Dense(1, name="tail")(left)
    x, y = rows(5, 3), rows(5, 4)
    listed = pw.Model([left, right], [head, tail])
    served = exported(listed, tmp_path / "listed")
    assert (served.input_names, served.output_names) == (["left", "right"], ["head", "tail"])
    assert differs_by(served.predict([x, y]), listed.predict([x, y], verbose=0)) < 1e-6
    named = pw.Model({"b": left, "a": right}, {"out": head, "aside": tail})
    served = exported(named, tmp_path / "named")
    assert (served.input_names, served.output_names) == (["a", "b"], ["aside", "out"])
    found = served.predict({"a": y, "b": x})
    assert sorted(found) == ["aside", "out"]
    assert differs_by(found, named.predict({"a": y, "b": x}, verbose=0)) < 1e-6
    with pytest.raises(ValueError, match=r"'model_1' takes inputs in the structure \{'a': \('batch', 4\)"):
        served.predict([x, y])
    with pytest.raises(ValueError, match="a nest of 2,000 values; a list of numbers is an array first") as caught:
        served([[0.0] * 20] * 100)
    assert len(str(caught.value)) < 250


class Halves(pw.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, inputs):
        return {"scores": self.dense(inputs["x"]), "flat": inputs["x"].reshape(inputs["x"].shape[0], -1)}


def test_a_subclassed_model_as_it_was_called(tmp_path):
    model = Halves()
    with pytest.raises(ValueError, match="'halves' has no weights yet"):
        model.export(tmp_path / "halves.stablehlo")
    model({"x": rows(5, 3)})
    served = exported(model, tmp_path / "halves")
    x = {"x": rows(9, 3)}
    assert served.output_names == ["flat", "scores"]
    assert differs_by(served.predict(x), model.predict(x, verbose=0)) < 1e-6


def dense_after(*chain):
    return lambda: pw.Sequential([pw.Input((None, None, 2)), *chain, layers.GlobalMaxPooling2D(), layers.Dense(2)])


OPEN = {
    "same, strided": dense_after(
        layers.Conv2D(3, 3, strides=2, padding="same"), layers.AveragePooling2D(2, padding="same")
    ),
    "valid": dense_after(layers.Conv2D(3, 3), layers.MaxPooling2D()),
    "depthwise": dense_after(layers.DepthwiseConv2D(3, strides=2, padding="same")),
    "transposed": dense_after(layers.Conv2DTranspose(3, 3, strides=2, padding="same")),
    "bilinear": dense_after(layers.UpSampling2D(interpolation="bilinear"), layers.ZeroPadding2D(), layers.Cropping2D()),
    "wide windows": dense_after(layers.AveragePooling2D(7, strides=1, padding="same")),
}


@pytest.mark.few(2)
@pytest.mark.parametrize("name", OPEN)
def test_images_of_any_size(name, tmp_path):
    model = OPEN[name]()
    served = exported(model, tmp_path / "net")
    assert served.input_shapes == ("batch", "size1", "size2", 2)
    for x in (rows(3, 9, 8, 2), rows(2, 12, 15, 2)):
        assert differs_by(served(x), model.predict(x, verbose=0)) < 1e-6


@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["GRU", "LSTM", "both ways"])
def test_sequences_of_any_length(kind, tmp_path):
    made = {"GRU": layers.GRU(2), "LSTM": layers.LSTM(2), "both ways": layers.Bidirectional(layers.LSTM(2))}[kind]
    model = pw.Sequential([pw.Input((None, 3)), made])
    served = exported(model, tmp_path / "net")
    for length in (1, 7):
        x = rows(3, length, 3)
        assert differs_by(served(x), model.predict(x, verbose=0)) < 1e-6


def test_open_axes_are_one_size_where_layers_ask_for_it_and_their_own_elsewhere(tmp_path):
    left, right = pw.Input((None, 8), name="left"), pw.Input((None, 8), name="right")
    x, y = rows(3, 4, 8), rows(3, 6, 8)
    attending = pw.Model([left, right], layers.Attention()([left, right]))
    served = exported(attending, tmp_path / "attending")
    assert differs_by(served([x, y]), attending.predict([x, y], verbose=0)) < 1e-6
    added = pw.Model([left, right], layers.Add()([left, right]))
    assert exported(added, tmp_path / "added").input_shapes == [("batch", "size1", 8), ("batch", "size1", 8)]


def test_a_layer_that_computes_with_a_size_is_told_of_with_the_way_out(tmp_path):
    function = layers.Lambda(lambda x: x[:, : int(np.sqrt(x.shape[1]))], name="root")
    model = pw.Sequential([pw.Input((None,)), function])
    with pytest.raises(
        ValueError, match=r"(?s)sizes left open that are None in .*'root' \(Lambda\).*Give input_signature with"
    ):
        model.export(tmp_path / "net.stablehlo")
    assert not list(tmp_path.iterdir())
    served = exported(model, tmp_path / "net", input_signature=pw.InputSpec(shape=(None, 9)))
    assert served.output_shapes == ("batch", 3)


def test_mixed_precision_is_kept(tmp_path):
    pw.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        chain = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.GlobalAveragePooling2D(), layers.Dense(2)]
        model = away_from_start(pw.Sequential([pw.Input((6, 6, 2)), *chain]))
    finally:
        pw.mixed_precision.set_global_policy("float32")
    served, x = exported(model, tmp_path / "net"), rows(5, 6, 6, 2)
    assert served.predict(x).dtype == model.predict(x, verbose=0).dtype
    np.testing.assert_array_equal(served.predict(x), model.predict(x, verbose=0))


# -- the switch


def test_statistics_of_the_batch_are_those_of_the_rows_that_come_together(convolutional, tmp_path):
    x = rows(6, 8, 8, 2)
    served = exported(convolutional, tmp_path / "net", statistics="batch")
    assert served.rows_mix
    assert differs_by(served.predict(x), convolutional.predict(x, statistics="batch", verbose=0)) < 1e-5
    assert differs_by(served.predict(x), convolutional.predict(x, verbose=0)) > 1e-2
    with pytest.raises(ValueError, match="names the layer 'bm', which is no batch normalization"):
        convolutional.export(tmp_path / "no.stablehlo", statistics={"bm": "batch"})


def test_a_call_pinned_to_training_and_a_pinned_learning_phase_are_honoured(tmp_path):
    inputs, x = pw.Input((3,)), rows(8, 3)
    pinned = pw.Model(inputs, layers.BatchNormalization()(inputs, training=True))
    assert differs_by(exported(pinned, tmp_path / "a").predict(x), pinned.predict(x, verbose=0)) < 1e-6
    plain = pw.Model(inputs, layers.BatchNormalization()(inputs))
    with pw.learning_phase_scope("training"):
        served = exported(plain, tmp_path / "b")
    assert differs_by(served.predict(x), (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3)) < 1e-5


def test_random_layers_pass_on_what_they_get_unless_pinned_and_then_the_program_takes_a_seed(tmp_path):
    inputs, x = pw.Input((50,)), np.ones((4, 50), "float32")
    model = pw.Model(inputs, layers.Dropout(0.5)(inputs, training=True))
    served = exported(model, tmp_path / "net")
    assert served.takes_seed
    first, again, other = served(x, seed=1), served(x, seed=1), served(x, seed=2)
    np.testing.assert_array_equal(first, again)
    assert set(np.unique(first)) == {0.0, 2.0} and (first != other).any() and (served(x) != served(x)).any()
    with pytest.raises(ValueError, match="draws nothing, so that it takes no seed"):
        exported(pw.Model(inputs, layers.Dropout(0.5)(inputs)), tmp_path / "plain")(x, seed=1)


def test_batch_normalization_is_folded_on_request(convolutional, tmp_path, capsys):
    convolutional.export(tmp_path / "net.stablehlo", fold=True)
    told = capsys.readouterr().out
    assert "1 normalization folded, which moves outputs by" in told and "image float32[None, 8, 8, 2] -> dense" in told
    x = rows(5, 8, 8, 2)
    served = pw.export.load(tmp_path / "net.stablehlo")
    assert differs_by(served.predict(x), convolutional.predict(x, verbose=0)) < 1e-5
    assert "rsqrt" not in served.exported.mlir_module() and "sqrt" not in served.exported.mlir_module()


# -- what cannot be


def test_what_runs_on_the_host_or_remembers_is_refused_with_the_reason(tmp_path):
    words = layers.StringLookup(vocabulary=["a", "b"], name="words")
    model = pw.Sequential([pw.Input((), dtype="string"), words, layers.Embedding(3, 2)], name="reader")
    with pytest.raises(
        ValueError, match=r"'reader' cannot be exported as it is: 'words' runs on the host.*takes no strings"
    ):
        model.export(tmp_path / "net.stablehlo")
    model = pw.Sequential([pw.Input((4, 3), batch_size=2), layers.LSTM(2, stateful=True, name="memory")])
    with pytest.raises(ValueError, match=r"'memory' \(stateful=True\) goes on where the batch before ended"):
        model.export(tmp_path / "net.stablehlo")


@pytest.mark.parametrize("ending", [".stablehlo", ".onnx", ""])
def test_a_model_of_strings_says_what_to_export_instead_and_that_works(tmp_path, ending):
    words, row = pw.Input((2,), dtype="string", name="words"), pw.Input((3,), name="row")
    found = layers.Embedding(3, 2)(layers.StringLookup(vocabulary=["a", "b"], name="look")(words))
    outputs = layers.Dense(1)(layers.Concatenate()([layers.Flatten()(found), row]))
    model = pw.Model([words, row], outputs, name="both")
    border = "[model.get_layer('look').output, model.inputs[1]]"
    with pytest.raises(ValueError) as told:
        model.export(tmp_path / f"net{ending}")
    assert str(told.value) == (
        "'both' cannot be exported as it is: 'look' runs on the host, before the compiled program, and an exported program looks nothing "
        f"up and takes no strings. Export what comes after, phasewise.Model({border}, model.output).export(...), and give that program "
        f"what phasewise.Model(model.inputs, {border}).predict gives."
    )
    assert not list(tmp_path.iterdir())
    at_border = [model.get_layer("look").output, model.inputs[1]]
    pw.Model(at_border, model.output).export(tmp_path / "net.stablehlo", verbose=False)
    x = [np.array([["a", "?"], ["b", "b"]]), np.arange(6, dtype="float32").reshape(2, 3)]
    given = pw.Model(model.inputs, at_border).predict(x, verbose=0)
    served = pw.export.load(tmp_path / "net.stablehlo").predict(given)
    assert differs_by(served, model.predict(x, verbose=0)) < 1e-6


def test_a_model_of_which_nothing_is_compiled_has_nothing_to_export(tmp_path):
    words = pw.Sequential([pw.Input((2,), dtype="int64"), layers.IntegerLookup(vocabulary=[4, 7], name="look")])
    with pytest.raises(
        ValueError, match=r"'look' runs on the host.*Nothing comes after that could be exported: keep what it"
    ):
        words.export(tmp_path / "net.stablehlo")
    reader = pw.Sequential([pw.Input((2,), dtype="int64"), words, layers.Embedding(3, 2)])
    with pytest.raises(
        ValueError, match=r"Export a model of what comes after, phasewise.Model\(Input\(...\), rest\(...\)\)"
    ):
        reader.export(tmp_path / "net.stablehlo")


def test_strings_that_no_layer_takes_are_refused(tmp_path):
    words, row = pw.Input((2,), dtype="string", name="words"), pw.Input((3,), name="row")
    with pytest.raises(ValueError, match="'words' is strings, and a model computes numbers: it cannot return them"):
        pw.Model(words, words)
    with pytest.raises(
        ValueError, match=r"its input 'words' is strings, which an exported program does not take. No layer"
    ):
        pw.Model([words, row], layers.Dense(1)(row)).export(tmp_path / "net.stablehlo")


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"format": "stablehl"}, ValueError, "Did you mean 'stablehlo'"),
        ({"format": "litert"}, ValueError, "TFLiteConverter.from_saved_model"),
        ({"format": "openvino"}, ValueError, "OpenVINO reads ONNX"),
        ({"platform": "cpu"}, TypeError, "takes no 'platform'. Did you mean 'platforms'"),
        ({"input_signature": [(1, 8, 8, 2)]}, ValueError, "must have the structure of the inputs of 'net'"),
        (
            {"input_signature": pw.InputSpec(shape=(8, 8))},
            ValueError,
            r"gives 'image' the shape \(8, 8\); the model takes 4 axes",
        ),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(convolutional, tmp_path, options, kind, message):
    with pytest.raises(kind, match=message):
        convolutional.export(tmp_path / "net.stablehlo", **options)
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_there_is_kept_whole_when_the_disk_is_full(convolutional, tmp_path, monkeypatch):
    path = tmp_path / "net.stablehlo"
    path.write_bytes(b"old")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        convolutional.export(path)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_what_is_no_such_file_is_refused(convolutional, tmp_path):
    path = tmp_path / "net.stablehlo"
    with pytest.raises(FileNotFoundError):
        pw.export.load(path)
    convolutional.export(path, verbose=False)
    for content in (b"", b"no program", path.read_bytes()[:500]):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(ValueError, match=r"is no StableHLO file of jax.export, or is cut off"):
            pw.export.load(tmp_path / "bad")


def test_a_program_that_calls_native_code_by_name_is_refused(tmp_path):
    spec, export = jax.ShapeDtypeStruct((2,), "float32"), jax.export

    def function(x):
        return jax.ffi.ffi_call("xla_ffi_python_cpu_callback", spec)(x)

    unchecked = [export.DisabledSafetyCheck.custom_call("xla_ffi_python_cpu_callback")]
    program = export.export(jax.jit(function), disabled_checks=unchecked)(spec)
    (tmp_path / "net").write_bytes(program.serialize())
    with pytest.raises(
        ValueError, match=r"native code beyond JAX's own numerics \(xla_ffi_python_cpu_callback\); it is not run"
    ):
        pw.export.load(tmp_path / "net")


def test_a_program_of_jax_alone_is_opened_too(tmp_path):
    program = jax.export.export(jax.jit(lambda x: jnp.linalg.svd(x)[1]))(jax.ShapeDtypeStruct((3, 3), "float32"))
    (tmp_path / "svd").write_bytes(program.serialize())
    served, x = pw.export.load(tmp_path / "svd"), rows(3, 3)
    assert (served.input_names, served.output_names) == (["input_0"], ["output_0"])
    assert differs_by(served(x), np.linalg.svd(np.float64(x))[1]) < 1e-5


def test_served_inputs_are_checked_by_name_and_shape(convolutional, tmp_path):
    served = exported(convolutional, tmp_path / "net")
    with pytest.raises(ValueError, match=r"Input 'image' of 'net' has shape \('batch', 8, 8, 2\); got \(3, 8, 8\)"):
        served.predict(rows(3, 8, 8))
    with pytest.raises(ValueError, match="was given no rows"):
        served.predict(rows(0, 8, 8, 2))
    assert served.predict(rows(2, 8, 8, 2).astype("float64")).dtype == np.float32


def test_inputs_with_different_numbers_of_rows_are_refused(tmp_path):
    a, b = pw.Input((2,), name="a"), pw.Input((3,), name="b")
    pw.Model([a, b], layers.Concatenate()([a, b])).export(tmp_path / "x.stablehlo", verbose=False)
    served = pw.export.load(tmp_path / "x.stablehlo")
    with pytest.raises(ValueError, match="different numbers of rows: a 10, b 5"):
        served.predict([np.ones((10, 2)), np.ones((5, 3))])
    assert served.predict([np.ones((10, 2)), np.ones((10, 3))], batch_size=4).shape == (10, 5)


@pytest.mark.parametrize(("name", "format"), [("net.onnx", "stablehlo"), ("net.stablehlo", "tf_saved_model")])
def test_an_ending_that_is_another_formats_is_refused(name, format, convolutional, tmp_path):
    with pytest.raises(ValueError, match=f"{name}' ends as a file of the format '{name[4:]}'.*format='{format}'"):
        convolutional.export(tmp_path / name, format=format)
    assert not list(tmp_path.iterdir())

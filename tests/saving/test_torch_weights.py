"""load_torch_weights: what PyTorch's modules compute, from their state dicts; what is not mapped, and what does not fit."""

import numpy as np
import pytest
import torch_formulas as torch
from safetensors.numpy import save_file

import phasewise as pw

L = pw.layers
RNG = np.random.default_rng(0)


def parameters(**shapes):
    return {name.replace("__", "."): RNG.uniform(0.2, 1.0, shape).astype("float32") for name, shape in shapes.items()}


def recurrent(gates, inputs, units, ending="_l0"):
    shapes = {
        "weight_ih": (gates * units, inputs),
        "weight_hh": (gates * units, units),
        "bias_ih": gates * units,
        "bias_hh": gates * units,
    }
    return parameters(**{name + ending: shape for name, shape in shapes.items()})


RUNNING = {"running_mean": 3, "running_var": 3}
BOTH_WAYS = {
    name: value
    for number, inputs in enumerate((3, 4))
    for ending in (f"_l{number}", f"_l{number}_reverse")
    for name, value in recurrent(4, inputs, 2, ending).items()
}
BOTH = [L.Bidirectional(L.LSTM(2, return_sequences=True, name=f"{name}_of"), name=name) for name in ("a", "b")]
EPS = float(np.finfo("float32").eps)
# name: (shape of the input as PyTorch has it, parameters, formula, layers)
ROWS = {
    "Linear": ((2, 3), parameters(weight=(4, 3), bias=4), torch.linear, [L.Dense(4, name="a")]),
    "Conv1d": (
        (2, 4, 9),
        parameters(weight=(6, 2, 3), bias=6),
        lambda p, x: torch.convolution(p, x, 2, 2),
        [L.Conv1D(6, 3, strides=2, groups=2, name="a")],
    ),
    "Conv2d": (
        (2, 3, 4, 5),
        parameters(weight=(4, 3, 2, 3)),
        torch.convolution,
        [L.Conv2D(4, (2, 3), use_bias=False, name="a")],
    ),
    "Conv3d": (
        (1, 2, 3, 3, 4),
        parameters(weight=(3, 2, 2, 2, 2), bias=3),
        torch.convolution,
        [L.Conv3D(3, 2, name="a")],
    ),
    "ConvTranspose1d": (
        (2, 3, 4),
        parameters(weight=(3, 2, 3), bias=2),
        lambda p, x: torch.transposed(p, x, 2),
        [L.Conv1DTranspose(2, 3, strides=2, name="a")],
    ),
    "ConvTranspose2d": (
        (2, 3, 3, 4),
        parameters(weight=(3, 2, 2, 3), bias=2),
        lambda p, x: torch.transposed(p, x, 2),
        [L.Conv2DTranspose(2, (2, 3), strides=2, name="a")],
    ),
    "depthwise Conv1d": (
        (2, 3, 6),
        parameters(weight=(6, 1, 3), bias=6),
        lambda p, x: torch.convolution(p, x, 1, 3),
        [L.DepthwiseConv1D(3, depth_multiplier=2, name="a")],
    ),
    "depthwise Conv2d": (
        (2, 3, 4, 4),
        parameters(weight=(6, 1, 2, 3), bias=6),
        lambda p, x: torch.convolution(p, x, 1, 3),
        [L.DepthwiseConv2D((2, 3), depth_multiplier=2, name="a")],
    ),
    "BatchNorm2d": (
        (2, 3, 2, 2),
        parameters(weight=3, bias=3, **RUNNING) | {"num_batches_tracked": np.int64(7)},
        torch.batch_norm,
        [L.BatchNormalization(epsilon=1e-5, name="a")],
    ),
    "BatchNorm1d without affine": (
        (4, 3),
        parameters(**RUNNING),
        torch.batch_norm,
        [L.BatchNormalization(epsilon=1e-5, center=False, scale=False, name="a")],
    ),
    "LayerNorm": (
        (2, 5),
        parameters(weight=5, bias=5),
        torch.layer_norm,
        [L.LayerNormalization(epsilon=1e-5, name="a")],
    ),
    "GroupNorm": (
        (2, 4, 2, 2),
        parameters(weight=4, bias=4),
        torch.group_norm,
        [L.GroupNormalization(2, epsilon=1e-5, name="a")],
    ),
    "RMSNorm": ((2, 5), parameters(weight=5), torch.rms_norm, [L.RMSNormalization(epsilon=EPS, name="a")]),
    "PReLU": ((2, 3), parameters(weight=3), torch.prelu, [L.PReLU(name="a")]),
    "LSTM": ((2, 4, 3), recurrent(4, 3, 2), torch.lstm, [L.LSTM(2, return_sequences=True, name="a")]),
    "LSTM of two layers, both ways": ((2, 4, 3), BOTH_WAYS, torch.two_lstms_both_ways, BOTH),
    "GRU": ((2, 4, 3), recurrent(3, 3, 2), torch.gru, [L.GRU(2, return_sequences=True, name="a")]),
    "RNN": ((2, 4, 3), recurrent(1, 3, 2), torch.rnn, [L.SimpleRNN(2, return_sequences=True, name="a")]),
}
CHANNELS_FIRST = ("Conv", "depthwise", "BatchNorm", "GroupNorm")


@pytest.mark.parametrize("row", ROWS)
def test_a_layer_computes_what_the_module_computes(row):
    shape, state, formula, chain = ROWS[row]
    x = RNG.normal(size=shape).astype("float32")
    turned = np.moveaxis(x, 1, -1) if row.startswith(CHANNELS_FIRST) else x
    model = pw.Sequential([pw.Input(turned.shape[1:]), *chain])
    names = {"net.0": chain[0].name if len(chain) == 1 else [layer.name for layer in chain]}
    pw.saving.load_torch_weights(model, {f"net.0.{name}": value for name, value in state.items()}, names)
    expected = formula({name: np.float64(value) for name, value in state.items()}, np.float64(x))
    found = np.asarray(model(turned))
    found = np.moveaxis(found, -1, 1) if row.startswith(CHANNELS_FIRST) else found
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("apart", [False, True])
def test_attention_computes_what_the_module_computes(apart):
    state = parameters(in_proj_weight=(18, 6), in_proj_bias=18, out_proj__weight=(6, 6), out_proj__bias=6)
    x, given = RNG.normal(size=(2, 4, 6)).astype("float32"), dict(state)
    if apart:  # as PyTorch has it where keys and values are of another size than queries
        given.update(zip(("q_proj_weight", "k_proj_weight", "v_proj_weight"), np.split(given.pop("in_proj_weight"), 3)))
    inputs = pw.Input((4, 6))
    model = pw.Model(inputs, L.MultiHeadAttention(2, 3, name="mha")(inputs, inputs, inputs))
    pw.saving.load_torch_weights(model, {f"attn.{name}": value for name, value in given.items()}, {"attn": "mha"})
    np.testing.assert_allclose(model(x), torch.self_attention(state, x), rtol=1e-5, atol=2e-6)


def test_an_embedding_from_a_file_of_a_model_in_a_model(tmp_path):
    table = RNG.normal(size=(6, 3)).astype("float32")
    save_file({"encoder.words.weight": table}, tmp_path / "x.safetensors")
    inner = pw.Sequential([L.Embedding(6, 3, name="words")], name="encoder")
    model = pw.Sequential([pw.Input((4,), dtype="int32"), inner])
    report = pw.saving.load_torch_weights(model, tmp_path / "x.safetensors", {"encoder.words": "encoder/words"})
    np.testing.assert_array_equal(model(np.array([[0, 5, 2, 1]])), table[[[0, 5, 2, 1]]])
    assert [path.partition("/")[2] for path in report.taken] == ["encoder/words/embeddings"]


def test_a_moving_variance_becomes_that_of_biased_variances_where_the_count_is_said():
    """PyTorch follows n / (n - 1) times the variance of a batch; from the same batches ours would have followed the variance itself."""
    n, batches, variances = 8, 5, RNG.uniform(1, 3, (5, 3))
    theirs = ours = np.ones(3)
    for variance in variances:
        theirs, ours = 0.9 * theirs + 0.1 * variance * n / (n - 1), 0.9 * ours + 0.1 * variance
    state = parameters(weight=3, bias=3, running_mean=3) | {"running_var": theirs, "num_batches_tracked": batches}
    model = pw.Sequential([pw.Input((3,)), L.BatchNormalization(momentum=0.9, epsilon=1e-5, name="bn")])
    given = {f"0.{name}": value for name, value in state.items()}
    pw.saving.load_torch_weights(model, given, {"0": "bn"})
    np.testing.assert_allclose(model.layers[0].moving_variance, theirs, rtol=1e-6)
    pw.saving.load_torch_weights(model, given, {"0": "bn"}, counts={"0": n})
    np.testing.assert_allclose(model.layers[0].moving_variance, ours, rtol=1e-6)


# -- a Linear behind a Flatten


def convolutional():
    return pw.Sequential(
        [pw.Input((3, 4, 2)), L.Conv2D(3, 2, name="conv"), L.Flatten(), L.Dropout(0.5), L.Dense(2, name="fc")]
    )


STATE = {
    f"{module}.{name}": value
    for module, shapes in {"conv": {"weight": (3, 2, 2, 2), "bias": 3}, "fc": {"weight": (2, 18), "bias": 2}}.items()
    for name, value in parameters(**shapes).items()
}
NAMES = {"conv": "conv", "fc": "fc"}


def test_what_was_flattened_with_channels_first_is_put_in_our_order():
    model, x = convolutional(), RNG.normal(size=(2, 2, 3, 4)).astype("float32")
    pw.saving.load_torch_weights(model, STATE, NAMES, flattened={"fc": (3, 2, 3)})
    conv, fc = ({name: STATE[f"{module}.{name}"] for name in ("weight", "bias")} for module in ("conv", "fc"))
    expected = torch.linear(fc, torch.convolution(conv, np.float64(x)).reshape(2, -1))
    np.testing.assert_allclose(model(np.moveaxis(x, 1, -1)), expected, rtol=1e-5, atol=2e-6)


def test_what_was_flattened_in_another_order_is_never_taken_in_silence():
    with pytest.raises(
        ValueError,
        match=r"flattened from \(2, 3, 3\), channels last; PyTorch flattens channels first.*Say flattened={'fc': \(3, 2, 3\)}",
    ):
        pw.saving.load_torch_weights(convolutional(), STATE, NAMES)
    with pytest.raises(ValueError, match=r"said to take \(3, 3, 3\) flattened; it takes 18 numbers"):
        pw.saving.load_torch_weights(convolutional(), STATE, NAMES, flattened={"fc": (3, 3, 3)})


# -- what does not fit


def loading(state=STATE, names=NAMES, **more):
    return pw.saving.load_torch_weights(convolutional(), state, names, **{"flattened": {"fc": (3, 2, 3)}, **more})


def test_what_is_not_mapped_is_listed_on_both_sides():
    with pytest.raises(
        ValueError, match=r"says nothing of the modules 'fc', 'head', 'bn'\n.*says nothing of the layers 'fc'"
    ):
        loading(
            {**STATE, "head.weight": np.ones(3), "bn.weight": np.ones(3), "bn.num_batches_tracked": 1},
            {"conv": "conv"},
            flattened=None,
        )


def test_names_that_do_not_exist_are_told_with_the_nearest():
    with pytest.raises(ValueError, match=r"no parameters of a module 'convv'. Did you mean 'conv'"):
        loading(names={"convv": "conv", "fc": "fc"})
    with pytest.raises(
        ValueError, match=r"has no layer 'conf'. Did you mean 'conv'\? It has: input_layer.*, conv, flatten.*, fc"
    ):
        loading(names={"conv": "conf", "fc": "fc"})
    with pytest.raises(ValueError, match=r"'fd' is none of the modules in `names`"):
        loading(flattened={"fd": (3, 2, 3)})


def test_a_layer_cannot_be_named_twice():
    with pytest.raises(
        ValueError, match=r"Layer 'conv' is named for both 'conv' and 'fc': it can have the weights of one"
    ):
        loading(names={"conv": "conv", "fc": "conv"})


def test_another_shape_has_both_in_the_message_and_nothing_is_changed_unless_asked():
    state, model = {**STATE, "conv.weight": np.ones((3, 2, 2, 3))}, convolutional()
    before = model.get_weights()
    more = {"flattened": {"fc": (3, 2, 3)}}
    with pytest.raises(
        ValueError,
        match=r"Conv2D 'conv': conv.weight has shape \(3, 2, 2, 3\); the layer takes one of shape \(3, 2, 2, 2\)",
    ):
        pw.saving.load_torch_weights(model, state, NAMES, **more)
    for a, b in zip(model.get_weights(), before):
        np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match="only what fits was loaded"):
        report = pw.saving.load_torch_weights(model, state, NAMES, skip_mismatch=True, **more)
    assert len(report.taken) == 2


def test_a_parameter_too_few_and_one_too_many_are_named():
    with pytest.raises(ValueError, match=r"Dense 'fc': fc has no 'bias', of shape \(2,\); it has \['weight'\]"):
        loading({name: value for name, value in STATE.items() if name != "fc.bias"})
    with pytest.raises(ValueError, match=r"Dense 'fc' has no use for 'fc.weight_g'"):
        loading({**STATE, "fc.weight_g": np.ones(2)})


def test_a_gru_that_resets_before_and_a_layer_without_a_counterpart_are_refused():
    model = pw.Sequential([pw.Input((4, 3)), L.GRU(2, reset_after=False, use_bias=False, name="gru")])
    with pytest.raises(
        ValueError, match=r"GRU resets after the product, as GRU\(reset_after=True\) does; 'gru' resets before"
    ):
        pw.saving.load_torch_weights(
            model, {f"g.{name}": value for name, value in recurrent(3, 3, 2).items()}, {"g": "gru"}
        )
    model = pw.Sequential([pw.Input((4, 3)), L.SeparableConv1D(2, 2, name="s")])
    with pytest.raises(
        ValueError,
        match=r"SeparableConv1D 's' has no counterpart among PyTorch's modules that is known here; there is one for Dense, ",
    ):
        pw.saving.load_torch_weights(model, {"s.weight": np.ones(3)}, {"s": "s"})


def test_a_pickle_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"PyTorch's own files are pickles, which run code.*save_file\(module.state_dict\(\), path\)"
    ):
        loading(tmp_path / "model.pth")

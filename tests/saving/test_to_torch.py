"""weights_to_torch: a state dict with which PyTorch's modules compute what the layers do; what has no counterpart is said."""

import json

import numpy as np
import pytest
import torch_formulas as torch
from safetensors.numpy import load_file, safe_open

import phasewise as pw

L = pw.layers
RNG = np.random.default_rng(0)
EPS = float(np.finfo("float32").eps)
CHANNELS_FIRST = ("Conv", "depthwise", "BatchNorm", "GroupNorm")


def bidirectional(name):
    return L.Bidirectional(L.LSTM(2, return_sequences=True, name=f"{name}_of"), name=name)


# name: (shape of the input as PyTorch has it, formula, layers)
ROWS = {
    "Linear": ((2, 3), torch.linear, lambda: [L.Dense(4, name="a")]),
    "Conv1d": (
        (2, 4, 9),
        lambda p, x: torch.convolution(p, x, 2, 2),
        lambda: [L.Conv1D(6, 3, strides=2, groups=2, name="a")],
    ),
    "Conv2d": ((2, 3, 4, 5), torch.convolution, lambda: [L.Conv2D(4, (2, 3), use_bias=False, name="a")]),
    "Conv3d": ((1, 2, 3, 3, 4), torch.convolution, lambda: [L.Conv3D(3, 2, name="a")]),
    "ConvTranspose2d": (
        (2, 3, 3, 4),
        lambda p, x: torch.transposed(p, x, 2),
        lambda: [L.Conv2DTranspose(2, (2, 3), strides=2, name="a")],
    ),
    "depthwise Conv2d": (
        (2, 3, 4, 4),
        lambda p, x: torch.convolution(p, x, 1, 3),
        lambda: [L.DepthwiseConv2D((2, 3), depth_multiplier=2, name="a")],
    ),
    "BatchNorm2d": ((2, 3, 2, 2), torch.batch_norm, lambda: [L.BatchNormalization(epsilon=1e-5, name="a")]),
    "BatchNorm1d without a scale": (
        (4, 3),
        torch.batch_norm,
        lambda: [L.BatchNormalization(epsilon=1e-5, scale=False, name="a")],
    ),
    "LayerNorm": ((2, 5), torch.layer_norm, lambda: [L.LayerNormalization(epsilon=1e-5, name="a")]),
    "GroupNorm": ((2, 4, 2, 2), torch.group_norm, lambda: [L.GroupNormalization(2, epsilon=1e-5, name="a")]),
    "RMSNorm": ((2, 5), torch.rms_norm, lambda: [L.RMSNormalization(epsilon=EPS, name="a")]),
    "PReLU": ((2, 3), torch.prelu, lambda: [L.PReLU(name="a")]),
    "LSTM": ((2, 4, 3), torch.lstm, lambda: [L.LSTM(2, return_sequences=True, dropout=0.5, name="a")]),
    "LSTM of two layers, both ways": (
        (2, 4, 3),
        torch.two_lstms_both_ways,
        lambda: [bidirectional("a"), bidirectional("b")],
    ),
    "GRU": ((2, 4, 3), torch.gru, lambda: [L.GRU(2, return_sequences=True, name="a")]),
    "RNN": ((2, 4, 3), torch.rnn, lambda: [L.SimpleRNN(2, return_sequences=True, name="a")]),
}


def with_random_weights(*chain):
    model = pw.Sequential(list(chain))
    for variable in model.weights:
        if variable.dtype == "float32":
            variable.assign(RNG.uniform(0.2, 1.0, variable.shape))
    return model


@pytest.mark.few(9)
@pytest.mark.parametrize("row", ROWS)
def test_the_module_computes_what_the_layer_computes(row):
    shape, formula, chain = ROWS[row]
    x, chain = RNG.normal(size=shape).astype("float32"), chain()
    turned = np.moveaxis(x, 1, -1) if row.startswith(CHANNELS_FIRST) else x
    model = with_random_weights(pw.Input(turned.shape[1:]), *chain)
    names = {"net.0": chain[0].name if len(chain) == 1 else [layer.name for layer in chain]}
    state = pw.saving.weights_to_torch(model, names)
    assert all(isinstance(value, np.ndarray) and name.startswith("net.0.") for name, value in state.items())
    expected = formula({name[6:]: np.float64(value) for name, value in state.items()}, np.float64(x))
    found = np.asarray(model(turned))
    found = np.moveaxis(found, -1, 1) if row.startswith(CHANNELS_FIRST) else found
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.few(9)
@pytest.mark.parametrize("row", ROWS)
def test_what_went_out_comes_in_again_to_the_bit(row):
    shape, _, chain = ROWS[row]
    shape = (*shape[2:], shape[1]) if row.startswith(CHANNELS_FIRST) else shape[1:]
    layers = chain()
    names = {"m": layers[0].name if len(layers) == 1 else [layer.name for layer in layers]}
    model = with_random_weights(pw.Input(shape), *layers)
    again = pw.Sequential([pw.Input(shape), *chain()])
    if row.endswith("without a scale"):  # the module has a scale of ones, which the layer has not
        again = pw.Sequential([pw.Input(shape), L.BatchNormalization(epsilon=1e-5, name="a")])
    pw.saving.load_torch_weights(again, pw.saving.weights_to_torch(model, names), names)
    theirs = {v.path.partition("/")[2]: v.numpy() for v in again.weights}
    for variable in model.weights:
        np.testing.assert_array_equal(theirs[variable.path.partition("/")[2]], variable.numpy())


@pytest.mark.parametrize("value_size", [6, 5])
def test_attention_has_one_weight_for_all_three_where_they_are_of_one_size(value_size):
    queries, values = pw.Input((4, 6)), pw.Input((4, value_size))
    model = pw.Model([queries, values], L.MultiHeadAttention(2, 3, name="mha")(queries, values))
    for variable in model.weights:
        variable.assign(RNG.normal(size=variable.shape))
    state = pw.saving.weights_to_torch(model, {"attn": "mha"})
    parameters = {name.removeprefix("attn."): np.float64(value) for name, value in state.items()}
    assert ("in_proj_weight" in parameters) == (value_size == 6)
    if value_size == 6:
        x = RNG.normal(size=(2, 4, 6)).astype("float32")
        np.testing.assert_allclose(model([x, x]), torch.self_attention(parameters, x), rtol=1e-5, atol=2e-6)
    else:
        shapes = {name: parameters[f"{name}_proj_weight"].shape for name in "qkv"}
        assert shapes == {"q": (6, 6), "k": (6, 5), "v": (6, 5)}
    before = model.get_weights()
    for variable in model.weights:
        variable.assign(np.zeros(variable.shape))
    pw.saving.load_torch_weights(model, state, {"attn": "mha"})
    for a, b in zip(model.get_weights(), before):
        np.testing.assert_array_equal(a, b)


def test_a_normalization_says_how_its_module_is_to_be_made():
    layers = [L.BatchNormalization(momentum=0.9, name="bn"), L.LayerNormalization(name="ln")]
    state = pw.saving.weights_to_torch(with_random_weights(pw.Input((3,)), *layers), {"0": "bn", "1": "ln"})
    assert state.arguments == {
        "0": {"num_features": 3, "eps": 1e-3, "momentum": 0.1},
        "1": {"normalized_shape": (3,), "eps": 1e-3},
    }
    assert state["0.num_batches_tracked"].dtype == np.int64
    assert state["0.num_batches_tracked"].shape == ()


@pytest.mark.filterwarnings("ignore:fit ended before the moving statistics")
def test_a_moving_variance_becomes_that_of_unbiased_variances_where_the_count_is_said():
    """Ours follows the variance of a batch of 8; PyTorch would have followed 8 / 7 times it."""
    model = pw.Sequential([pw.Input((3,)), L.BatchNormalization(momentum=0.9, name="bn")])
    model.compile("sgd", "mse")
    x = RNG.normal(2, 3, (40, 3)).astype("float32")
    model.fit(x, x, batch_size=8, shuffle=False, verbose=0)
    expected = np.ones(3)
    for batch in np.split(np.float64(x), 5):
        expected = 0.9 * expected + 0.1 * batch.var(0, ddof=1)
    state = pw.saving.weights_to_torch(model, {"0": "bn"}, counts={"0": 8})
    np.testing.assert_allclose(state["0.running_var"], expected, rtol=1e-5)
    assert state["0.num_batches_tracked"] == 5
    as_it_is = pw.saving.weights_to_torch(model, {"0": "bn"})
    np.testing.assert_array_equal(as_it_is["0.running_var"], model.layers[0].moving_variance)


def test_what_is_flattened_with_channels_first_is_put_in_its_order():
    chain = [L.Conv2D(3, 2, name="conv"), L.Flatten(), L.Dropout(0.5), L.Dense(2, name="fc")]
    model, x = with_random_weights(pw.Input((3, 4, 2)), *chain), RNG.normal(size=(2, 2, 3, 4)).astype("float32")
    names = {"conv": "conv", "fc": "fc"}
    state = pw.saving.weights_to_torch(model, names, flattened={"fc": (3, 2, 3)})
    conv, fc = ({name: np.float64(state[f"{module}.{name}"]) for name in ("weight", "bias")} for module in names)
    expected = torch.linear(fc, torch.convolution(conv, np.float64(x)).reshape(2, -1))
    np.testing.assert_allclose(model(np.moveaxis(x, 1, -1)), expected, rtol=1e-5, atol=2e-6)
    with pytest.raises(ValueError, match=r"Dense 'fc': its input was flattened.*Say flattened={'fc': \(3, 2, 3\)}"):
        pw.saving.weights_to_torch(model, names)


def test_what_was_learnt_beside_a_weight_is_in_it():
    words = L.Embedding(4, 3, lora_rank=1, name="a")
    model = with_random_weights(pw.Input((4,), dtype="int32"), words)
    assert words.lora_b.numpy().all()
    state = pw.saving.weights_to_torch(model, {"a": "a"})
    np.testing.assert_allclose(model(np.arange(4)[None])[0], state["a.weight"], rtol=1e-6)


def test_a_file_has_what_the_dict_has_and_the_arguments_beside_it(tmp_path):
    model = with_random_weights(pw.Input((3,)), L.Dense(2, name="fc"), L.BatchNormalization(name="bn"))
    path, names = tmp_path / "x.safetensors", {"0": "fc", "1": "bn"}
    state = pw.saving.save_torch_weights(model, path, names)
    found = load_file(path)
    assert found.keys() == state.keys()
    for name, value in found.items():
        np.testing.assert_array_equal(value, state[name])
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    assert metadata["format"] == "pt"
    assert json.loads(metadata["arguments"]) == {"1": {"num_features": 2, "eps": 1e-3, "momentum": 0.01}}
    with pytest.raises(ValueError, match=r"written to a '.safetensors' file; got 'x.pt'"):
        pw.saving.save_torch_weights(model, "x.pt", names)


# -- what has no counterpart


REFUSED = {
    "a GRU that resets before": (L.GRU(2, reset_after=False, name="a"), "'a' resets before"),
    "another activation": (L.LSTM(2, activation="relu", name="a"), "LSTM and GRU have tanh and sigmoid.*'a' has other"),
    "a normalized recurrence": (L.LSTM(2, normalization="layer", name="a"), "'a' normalizes inside the recurrence"),
    "directions that are added": (
        L.Bidirectional(L.LSTM(2, name="b"), merge_mode="sum", name="a"),
        r"Bidirectional 'a': PyTorch puts both directions side by side \(concat\); the layer has 'sum'",
    ),
    "a slope at each position": (
        L.PReLU(name="a"),
        r"alpha of shape \(4, 3\) differs between positions: PReLU\(shared_",
    ),
    "a layer of two kernels": (L.SeparableConv1D(2, 2, name="a"), "SeparableConv1D 'a': no module of PyTorch is known"),
    "renormalization": (
        L.BatchNormalization(renorm=True, name="a"),
        "'a' has renorm=True, which PyTorch's BatchNorm.* has not",
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_what_no_module_computes_is_refused(row):
    layer, message = REFUSED[row]
    with pytest.raises(ValueError, match=f"cannot be written as a state dict of PyTorch's:\n.*{message}"):
        pw.saving.weights_to_torch(with_random_weights(pw.Input((4, 3)), layer), {"m": "a"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"value_dim": 4}, "one size of head; 'a' has values of size 4, keys of size 3"),
        ({"output_shape": 5}, r"vectors of one size; the layer takes 6 numbers, makes \(5,\), and has 2 heads of 3"),
    ],
)
def test_attention_of_several_sizes_is_refused(arguments, message):
    inputs = pw.Input((4, 6))
    model = pw.Model(inputs, L.MultiHeadAttention(2, 3, name="a", **arguments)(inputs, inputs))
    with pytest.raises(ValueError, match=message):
        pw.saving.weights_to_torch(model, {"m": "a"})


def test_all_that_is_wrong_is_told_at_once():
    model = with_random_weights(
        pw.Input((4, 3)), L.GRU(2, reset_after=False, name="gru"), L.Dense(2, name="fc"), L.Dense(2, name="out")
    )
    with pytest.raises(ValueError, match=r"GRU 'gru': .*\n  `names` says nothing of the layers 'out'"):
        pw.saving.weights_to_torch(model, {"0": "gru", "1": "fc"})
    with pytest.raises(ValueError, match=r"has no layer 'fcc'. Did you mean 'fc'"):
        pw.saving.weights_to_torch(model, {"0": "fcc"})
    with pytest.raises(ValueError, match=r"'2' is none of the modules in `names`"):
        pw.saving.weights_to_torch(model, {"0": "gru"}, counts={"2": 8})
    with pytest.raises(ValueError, match=r"has no weights to write yet"):
        pw.saving.weights_to_torch(pw.Sequential([L.Dense(2)]), {"0": "dense"})


def test_a_recurrent_layer_that_computes_something_else_takes_no_weights_either():
    model = pw.Sequential([pw.Input((4, 3)), L.LSTM(2, activation="relu", name="a")])
    state = {name: np.ones(shape) for name, shape in {"m.weight_ih_l0": (8, 3), "m.weight_hh_l0": (8, 2)}.items()}
    with pytest.raises(ValueError, match="LSTM 'a': PyTorch's LSTM and GRU have tanh and sigmoid"):
        pw.saving.load_torch_weights(model, state, {"m": "a"})

"""Normalization layers from other frameworks' states and back, against those frameworks' formulas in float64."""

import numpy as np
import pytest

import phasewise as pw
from phasewise.core import variable
from phasewise.layers import BatchNormalization, GroupNormalization, LayerNormalization, RMSNormalization

RNG = np.random.default_rng(0)


class TorchBatchNorm:
    """What PyTorch documents for `torch.nn.BatchNorm1d`, in float64: normalization by the biased variance, the running variance
    by the unbiased one, `running = (1 - momentum) * running + momentum * batch`."""

    def __init__(self, channels, momentum=0.1, eps=1e-5):
        self.momentum, self.eps = momentum, eps
        self.weight, self.bias = RNG.uniform(0.5, 2, channels), RNG.normal(size=channels)
        self.running_mean, self.running_var, self.batches = np.zeros(channels), np.ones(channels), 0

    def train(self, x):
        mean, variance = x.mean(0), x.var(0)
        self.running_mean += self.momentum * (mean - self.running_mean)
        self.running_var += self.momentum * (x.var(0, ddof=1) - self.running_var)
        self.batches += 1
        return (x - mean) / np.sqrt(variance + self.eps) * self.weight + self.bias

    def evaluate(self, x):
        return (x - self.running_mean) / np.sqrt(self.running_var + self.eps) * self.weight + self.bias

    def state(self):
        arrays = {name: getattr(self, name) for name in ("weight", "bias", "running_mean", "running_var")}
        return {
            **{name: value.astype("float32") for name, value in arrays.items()},
            "num_batches_tracked": self.batches,
        }


def batches(count, rows=32, channels=3, seed=1):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(rows, channels)) * [1, 5, 0.1] + [0, 30, 2]).astype("float32") for _ in range(count)]


def assert_close(found, wanted, tolerance=1e-5):
    wanted = np.asarray(wanted, np.float64)
    assert np.abs(np.asarray(found) - wanted).max() < tolerance * max(1, np.abs(wanted).max())


# -- PyTorch's batch normalization


def test_20_training_steps_are_those_of_pytorch_step_for_step():
    theirs = TorchBatchNorm(3, momentum=0.1)
    ours = BatchNormalization.from_convention("torch", theirs.state())
    assert (ours.momentum, ours.epsilon, ours.axis) == (0.9, 1e-5, 1)
    for number, x in enumerate(batches(20), 1):
        assert_close(ours(x, training=True), theirs.train(x.astype(np.float64)))
        state = ours.to_convention("torch", count=32, batches=number)
        assert_close(state["running_mean"], theirs.running_mean, 1e-6)
        assert_close(state["running_var"] / theirs.running_var, np.ones(3), 1e-5)
    assert state["num_batches_tracked"] == 20


def fitted(layer, data):
    """`layer` after `fit` over the batches, in a model whose gradients change nothing."""
    model = pw.Sequential([pw.Input((3,)), layer])
    model.compile(loss="mse", optimizer=pw.optimizers.SGD(0.0))
    model.fit(np.concatenate(data), np.zeros((len(data) * 32, 3)), batch_size=32, shuffle=False, verbose=0)
    return layer


def test_training_begun_in_pytorch_goes_on_here_and_there_again():
    theirs = TorchBatchNorm(3)
    first, second = batches(7), batches(13, seed=2)
    for x in first:
        theirs.train(x.astype(np.float64))
    ours = fitted(BatchNormalization.from_convention("torch", theirs.state(), count=32), second)
    for x in second:
        theirs.train(x.astype(np.float64))
    state = ours.to_convention("torch", count=32)
    assert state["num_batches_tracked"] == 20
    assert_close(state["running_mean"], theirs.running_mean)
    assert_close(state["running_var"] / theirs.running_var, np.ones(3))


def test_without_a_count_inference_is_exactly_theirs():
    theirs = TorchBatchNorm(3)
    for x in batches(5):
        theirs.train(x.astype(np.float64))
    (x,) = batches(1, seed=3)
    assert_close(BatchNormalization.from_convention("torch", theirs.state())(x), theirs.evaluate(x.astype(np.float64)))


def test_with_a_count_the_moving_variance_is_what_biased_variances_would_have_given():
    theirs, variance = TorchBatchNorm(3), np.ones(3)
    for x in batches(5):
        theirs.train(x.astype(np.float64))
        variance = 0.9 * variance + 0.1 * x.astype(np.float64).var(0)
    ours = BatchNormalization.from_convention("torch", theirs.state(), count=32)
    assert_close(ours.moving_variance.numpy() / variance, np.ones(3))


def test_images_have_their_channels_on_axis_1_unless_told_otherwise():
    theirs = TorchBatchNorm(3)
    theirs.running_mean[:] = [1, 2, 3]
    x = RNG.normal(size=(2, 3, 4, 5)).astype("float32")
    wanted = theirs.evaluate(np.moveaxis(x.astype(np.float64), 1, -1))
    assert_close(np.moveaxis(np.asarray(BatchNormalization.from_convention("torch", theirs.state())(x)), 1, -1), wanted)
    last = BatchNormalization.from_convention("torch", theirs.state(), axis=-1)
    assert_close(last(np.moveaxis(x, 1, -1)), wanted)


def test_a_layer_from_a_state_stands_in_a_model_under_its_name():
    layer = BatchNormalization.from_convention("torch", TorchBatchNorm(3).state(), name="bn1")
    model = pw.Sequential([pw.Input((3, 6)), layer])
    assert model.predict(np.zeros((2, 3, 6), "float32"), verbose=0).shape == (2, 3, 6)
    assert layer.variables[0].path == "bn1/gamma"


# -- every convention


NAMES = {
    ("torch", BatchNormalization): ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"],
    ("nnx", BatchNormalization): ["bias", "mean", "scale", "var"],
    ("slim", BatchNormalization): ["beta", "gamma", "moving_mean", "moving_variance"],
    ("torch", LayerNormalization): ["weight", "bias"],
    ("nnx", LayerNormalization): ["bias", "scale"],
    ("torch", GroupNormalization): ["weight", "bias"],
    ("nnx", GroupNormalization): ["bias", "scale"],
    ("slim", LayerNormalization): ["beta", "gamma"],
    ("slim", GroupNormalization): ["beta", "gamma"],
    ("torch", RMSNormalization): ["weight"],
    ("nnx", RMSNormalization): ["scale"],
}

LAYERS = [
    lambda: BatchNormalization(momentum=0.7, epsilon=1e-4),
    lambda: LayerNormalization(epsilon=1e-5),
    lambda: GroupNormalization(2),
    lambda: RMSNormalization(),
]


def filled(layer, shape=(5, 4)):
    """`layer` with weights of its own, and data."""
    x = RNG.normal(size=shape).astype("float32")
    layer(x)
    layer.set_weights([RNG.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return layer, x


ROUNDS = [(convention, make) for convention in ("torch", "flax", "nnx", "slim") for make in LAYERS]


@pytest.mark.parametrize(("convention", "make"), [each for each in ROUNDS if each != ("slim", LAYERS[3])])
def test_there_and_back_is_the_same_layer(convention, make):
    layer, x = filled(make())
    if convention == "slim" and isinstance(layer, LayerNormalization):
        layer.epsilon = 1e-12  # the only one it has
    state = layer.to_convention(convention)
    if convention != "flax":
        assert list(state) == NAMES[convention, type(layer)]
    again = type(layer).from_convention(convention, state, name=layer.name)
    assert {**again.get_config()} == layer.get_config()
    assert all(np.array_equal(a, b) for a, b in zip(again.get_weights(), layer.get_weights()))
    assert np.array_equal(again(x), layer(x))


def test_linen_nests_its_collections():
    layer, _ = filled(BatchNormalization())
    state = layer.to_convention("flax")
    assert {name: list(part) for name, part in state.items()} == {
        "params": ["scale", "bias"],
        "batch_stats": ["mean", "var"],
    }
    assert np.array_equal(state["batch_stats"]["var"], layer.moving_variance.numpy())


DEFAULTS = [
    ("torch", BatchNormalization, 1e-5, 0.9),
    ("flax", BatchNormalization, 1e-5, 0.99),
    ("nnx", BatchNormalization, 1e-5, 0.99),
    ("slim", BatchNormalization, 1e-3, 0.999),
    ("torch", LayerNormalization, 1e-5, None),
    ("flax", LayerNormalization, 1e-6, None),
    ("slim", LayerNormalization, 1e-12, None),
    ("flax", GroupNormalization, 1e-6, None),
    ("slim", GroupNormalization, 1e-6, None),
    ("torch", RMSNormalization, 2**-23, None),
    ("nnx", RMSNormalization, 1e-6, None),
]


@pytest.mark.parametrize(("convention", "cls", "epsilon", "momentum"), DEFAULTS)
def test_a_state_alone_means_the_defaults_of_its_framework(convention, cls, epsilon, momentum):
    layer, _ = filled(BatchNormalization() if cls is BatchNormalization else cls(), (5, 32))
    layer.epsilon = 1e-12 if (convention, cls) == ("slim", LayerNormalization) else layer.epsilon
    state = dict(layer.to_convention(convention))  # without its arguments
    if (convention, cls) == ("slim", BatchNormalization):
        del state["gamma"]  # scale=False is its default
    found = cls.from_convention(convention, state)
    assert found.epsilon == epsilon
    assert momentum is None or found.momentum == momentum
    assert cls is not GroupNormalization or found.groups == 32


def test_slim_without_fused_averages_what_we_average():
    layer, _ = filled(BatchNormalization())
    state = dict(layer.to_convention("slim"))
    again = BatchNormalization.from_convention("slim", state, scale=True, fused=False, decay=0.9)
    assert np.array_equal(again.moving_variance.numpy(), layer.moving_variance.numpy())
    with pytest.raises(ValueError, match="averages no unbiased variances: leave count out"):
        BatchNormalization.from_convention("slim", state, scale=True, fused=False, count=8, batches=3)
    fused = BatchNormalization.from_convention("slim", state, scale=True, count=8, batches=10**6)
    assert_close(fused.moving_variance.numpy(), layer.moving_variance.numpy() * 7 / 8)


def test_row_normalizations_compute_what_pytorch_documents():
    x = (RNG.normal(size=(4, 6, 5)) + 3).astype("float32")
    weight, bias = RNG.normal(size=5), RNG.normal(size=5)
    wide = x.astype(np.float64)
    state = {"weight": weight, "bias": bias}

    def normalized(x, axes, eps):
        return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)

    layer = LayerNormalization.from_convention("torch", state)
    assert_close(layer(x), normalized(wide, (2,), 1e-5) * weight + bias)
    both = {"weight": RNG.normal(size=(6, 5)), "bias": RNG.normal(size=(6, 5))}
    layer = LayerNormalization.from_convention("torch", both, eps=0.1)
    assert layer.axis == [-2, -1]
    assert_close(layer(x), normalized(wide, (1, 2), 0.1) * both["weight"] + both["bias"])
    square = RMSNormalization.from_convention("torch", {"weight": weight})
    assert_close(square(x), wide / np.sqrt((wide**2).mean(-1, keepdims=True) + 2**-23) * weight)
    state = {"weight": RNG.normal(size=6), "bias": RNG.normal(size=6)}
    group = GroupNormalization.from_convention("torch", state, num_groups=3)
    wanted = normalized(wide.reshape(4, 3, 2, 5), (2, 3), 1e-5).reshape(wide.shape)
    assert_close(group(x), wanted * state["weight"][:, None] + state["bias"][:, None])


def test_a_layer_without_scale_or_centre_is_one_there_too():
    for options, arguments in (
        ({"scale": False}, {}),
        ({"center": False}, {"bias": False}),
        ({"scale": False, "center": False}, {"affine": False}),
    ):
        layer, x = filled(BatchNormalization(**options))
        state = layer.to_convention("torch")
        assert {k: v for k, v in state.arguments.items() if k in ("affine", "bias")} == arguments
        assert np.array_equal(BatchNormalization.from_convention("torch", state)(x), layer(x))
        state = layer.to_convention("nnx")
        assert ("scale" in state, "bias" in state) == (layer.scale, layer.center)
        assert np.array_equal(BatchNormalization.from_convention("nnx", state)(x), layer(x))


def test_arrays_of_other_kinds_are_taken():
    class Tensor:  # as PyTorch's, which give no array while they require a gradient
        def __init__(self, value):
            self.value_ = value

        def detach(self):
            return self

        def cpu(self):
            return self.value_

    layer = RMSNormalization.from_convention("torch", {"weight": Tensor(np.ones(3))})
    assert np.array_equal(layer.get_weights()[0], np.ones(3))
    with pytest.raises(TypeError, match="A state is a dict of arrays by name; got list"):
        RMSNormalization.from_convention("torch", [np.ones(3)])


def test_gradients_flow_through_a_layer_from_a_state():
    layer = BatchNormalization.from_convention("torch", TorchBatchNorm(3).state())
    assert [v.name for v in layer.trainable_variables] == ["gamma", "beta"]
    with variable.scope(layer.variables, [v.raw for v in layer.variables]):
        assert layer(batches(1)[0], training=True).shape == (32, 3)


# -- mistakes


STATE = TorchBatchNorm(3).state()


def without(name):
    return {key: value for key, value in STATE.items() if key != name}


MISTAKES = [
    (
        "pytorch",
        STATE,
        {},
        "Unknown convention 'pytorch'. Did you mean 'torch'? Known: 'torch', 'flax', 'nnx', 'slim'.",
    ),
    (
        "torch",
        without("running_var"),
        {},
        "The state of PyTorch's BatchNorm lacks 'running_var'; it has 'weight', 'bias', ",
    ),
    ("torch", without("bias"), {}, "lacks 'bias'; .* If it was made without it, pass bias=False."),
    ("torch", without("weight"), {}, "lacks 'weight'; .* If it was made without it, pass affine=False."),
    (
        "torch",
        {**STATE, "gamma": 1},
        {},
        "holds 'gamma', which is none of its parameters: 'weight', 'bias', 'running_mean', ",
    ),
    ("torch", STATE, {"affine": False}, "holds 'weight', which is none of its parameters.* pass affine=True."),
    (
        "torch",
        {**STATE, "running_var": np.ones(4)},
        {},
        r"The parameters of PyTorch's BatchNorm have one shape: 'running_var' has shape \(4,\), 'weight' \(3,\)",
    ),
    ("torch", STATE, {"num_features": 5}, r"'weight' has shape \(3,\), num_features \(5,\)"),
    (
        "torch",
        {k: np.ones((1, 3)) for k in without("num_batches_tracked")},
        {},
        r"one entry for each channel; .* \(1, 3\)",
    ),
    (
        "torch",
        STATE,
        {"epsilon": 1e-3},
        "PyTorch's BatchNorm has no argument 'epsilon'. Did you mean 'eps'? It takes: ",
    ),
    (
        "torch",
        STATE,
        {"momentum": None},
        "momentum=None averages over all batches alike, which has no counterpart here",
    ),
    (
        "torch",
        STATE,
        {"count": 1},
        "`count` is how many values a channel has in a batch, an integer of at least 2; got 1",
    ),
    (
        "torch",
        without("num_batches_tracked"),
        {"count": 8},
        "depends on how many batches it has followed, which is not known",
    ),
    (
        "flax",
        {"params": {"scale": np.ones(3)}},
        {},
        "The state of Flax's BatchNorm lacks 'params/bias'; it has 'params/scale'",
    ),
    ("slim", {"beta": np.ones(3)}, {}, "TensorFlow-slim's batch_norm lacks 'moving_mean'"),
]


@pytest.mark.parametrize(("convention", "state", "arguments", "message"), MISTAKES, ids=lambda value: str(value)[:20])
def test_a_mistake_in_a_state_is_told(convention, state, arguments, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        BatchNormalization.from_convention(convention, state, **arguments)


def test_what_a_framework_has_not_is_told():
    with pytest.raises(ValueError, match="'slim' has no RMSNormalization; these have: 'torch', 'flax', 'nnx'"):
        RMSNormalization.from_convention("slim", {})
    with pytest.raises(ValueError, match=r"PyTorch's GroupNorm has no default for 'num_groups', .*: pass num_groups="):
        GroupNormalization.from_convention("torch", {"weight": np.ones(4), "bias": np.zeros(4)})
    layer, _ = filled(LayerNormalization())
    with pytest.raises(ValueError, match=r"has epsilon=0.001; that of TensorFlow-slim's layer_norm is always 1e-12"):
        layer.to_convention("slim")
    layer, _ = filled(LayerNormalization(axis=1), (2, 3, 4))
    with pytest.raises(ValueError, match=r"has axis=1; PyTorch's LayerNorm normalizes over the last axes"):
        layer.to_convention("torch")
    layer, _ = filled(BatchNormalization(renorm=True))
    with pytest.raises(
        ValueError, match="has renorm=True, which PyTorch's BatchNorm has not: it would train otherwise"
    ):
        layer.to_convention("torch")


def test_a_layer_without_weights_and_an_unknown_convention_are_told_on_the_way_out():
    with pytest.raises(
        ValueError, match="'early' has no weights yet: call it on data, or build it, before to_convention"
    ):
        BatchNormalization(name="early").to_convention("torch")
    layer, x = filled(BatchNormalization())
    with pytest.raises(ValueError, match=r"Unknown convention 'Torch'\. Did you mean 'torch'\?"):
        layer.to_convention("Torch")
    layer(x, training=True)
    with pytest.raises(ValueError, match="is not known: pass batches="):
        layer.to_convention("torch", count=5)

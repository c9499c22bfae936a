"""What PyTorch's modules compute, by the formulas of its documentation, in NumPy and float64; channels first, as there."""

import itertools

import numpy as np


def linear(p, x):
    return x @ p["weight"].T + p["bias"]


def convolution(p, x, stride=1, groups=1):
    """y[b, o, at] = bias[o] + sum over i, k of weight[o, i, k] * x[b, group(o) + i, at * stride + k]"""
    weight = p["weight"]
    kernel = weight.shape[2:]
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, tuple(range(2, x.ndim)))
    windows = windows[(slice(None), slice(None), *[slice(None, None, stride)] * len(kernel))]
    outputs, inputs = weight.shape[:2]
    found = []
    for o in range(outputs):
        group = o // (outputs // groups)
        seen = windows[:, group * inputs : (group + 1) * inputs]
        found.append(
            np.sum(
                seen * np.expand_dims(weight[o], tuple(range(1, 1 + len(kernel)))), axis=(1, *range(-len(kernel), 0))
            )
        )
    y = np.stack(found, 1)
    return y + p["bias"].reshape(1, -1, *[1] * len(kernel)) if "bias" in p else y


def transposed(p, x, stride=1):
    """y[b, o, at * stride + k] += x[b, i, at] * weight[i, o, k]"""
    weight, kernel = p["weight"], p["weight"].shape[2:]
    sizes = [(n - 1) * stride + k for n, k in zip(x.shape[2:], kernel)]
    y = np.zeros((len(x), weight.shape[1], *sizes)) + p["bias"].reshape(1, -1, *[1] * len(kernel))
    for at in itertools.product(*map(range, x.shape[2:])):
        place = tuple(slice(a * stride, a * stride + k) for a, k in zip(at, kernel))
        y[(slice(None), slice(None), *place)] += np.tensordot(x[(slice(None), slice(None), *at)], weight, 1)
    return y


def batch_norm(p, x):
    def wide(name, neutral):
        return (p[name] if name in p else neutral * np.ones(x.shape[1])).reshape(1, -1, *[1] * (x.ndim - 2))

    scaled = (x - wide("running_mean", 0)) / np.sqrt(wide("running_var", 1) + 1e-5)
    return scaled * wide("weight", 1) + wide("bias", 0)


def layer_norm(p, x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * p["weight"] + p["bias"]


def group_norm(p, x):
    parts = x.reshape(len(x), 2, -1)
    parts = (parts - parts.mean(-1, keepdims=True)) / np.sqrt(parts.var(-1, keepdims=True) + 1e-5)
    return parts.reshape(x.shape) * p["weight"].reshape(1, -1, 1, 1) + p["bias"].reshape(1, -1, 1, 1)


def rms_norm(p, x):
    return x / np.sqrt(np.mean(x**2, -1, keepdims=True) + np.finfo("float32").eps) * p["weight"]


def prelu(p, x):
    return np.where(x > 0, x, p["weight"] * x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(p, x, ending="_l0"):
    units = p["weight_hh" + ending].shape[1]
    h, c, outputs = np.zeros((len(x), units)), np.zeros((len(x), units)), []
    for step in np.swapaxes(x, 0, 1):
        gates = (
            step @ p["weight_ih" + ending].T
            + p["bias_ih" + ending]
            + h @ p["weight_hh" + ending].T
            + p["bias_hh" + ending]
        )
        i, f, g, o = np.split(gates, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, 1)


def two_lstms_both_ways(p, x):
    for number in range(2):
        back = lstm(p, x[:, ::-1], f"_l{number}_reverse")[:, ::-1]
        x = np.concatenate([lstm(p, x, f"_l{number}"), back], -1)
    return x


def gru(p, x):
    h, outputs = np.zeros((len(x), p["weight_hh_l0"].shape[1])), []
    for step in np.swapaxes(x, 0, 1):
        ours = np.split(step @ p["weight_ih_l0"].T + p["bias_ih_l0"], 3, -1)
        theirs = np.split(h @ p["weight_hh_l0"].T + p["bias_hh_l0"], 3, -1)
        r, z = sigmoid(ours[0] + theirs[0]), sigmoid(ours[1] + theirs[1])
        h = (1 - z) * np.tanh(ours[2] + r * theirs[2]) + z * h
        outputs.append(h)
    return np.stack(outputs, 1)


def rnn(p, x):
    h, outputs = np.zeros((len(x), p["weight_hh_l0"].shape[1])), []
    for step in np.swapaxes(x, 0, 1):
        h = np.tanh(step @ p["weight_ih_l0"].T + p["bias_ih_l0"] + h @ p["weight_hh_l0"].T + p["bias_hh_l0"])
        outputs.append(h)
    return np.stack(outputs, 1)


def self_attention(p, x, heads=2):
    size = x.shape[-1] // heads
    q, k, v = np.split(x @ p["in_proj_weight"].T + p["in_proj_bias"], 3, -1)
    joined = []
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        scores = q[..., part] @ np.swapaxes(k[..., part], 1, 2) / np.sqrt(size)
        weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        joined.append(weights @ v[..., part])
    return np.concatenate(joined, -1) @ p["out_proj.weight"].T + p["out_proj.bias"]

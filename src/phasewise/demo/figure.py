"""The demo's figure: the input of each batch normalization layer against the statistics that normalize it."""

import numpy as np

from phasewise.layers import BatchNormalization
from phasewise.models.model import Model

INPUT, STATISTICS, INK = "#4c78a8", "#e45756", "#333333"
LOWEST = 4  # a panel is as high as one of this many channels, or higher
FORMATS = ("pdf", "png", "svg")


def draw(trained, samples, path):
    """Write the figure for a trained model and displaced samples to `path`, whose ending is one of `FORMATS`.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure  # half a second to import; pyplot and its state are not needed

    layers = [layer for layer in trained.model.layers if isinstance(layer, BatchNormalization)]
    heights = [max(channels, LOWEST) for channels in map(_channels, layers)]
    figure = Figure(figsize=(11, 0.42 * sum(heights) + 1.1 * len(layers) + 1), layout="constrained", facecolor="white")
    figure.suptitle(
        "What batch normalization subtracts and divides by, when the test data have moved by 2",
        fontsize=13,
        color=INK,
    )
    grid = figure.subplots(len(layers), 2, squeeze=False, height_ratios=heights)
    for row, layer in zip(grid, layers):
        for axes, policy in zip(row, ("moving", "batch")):
            _panel(axes, layer, _inputs(trained.model, layer, samples.x, policy), policy)
        _share_range(row)
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, markerscale=2.5)
    figure.savefig(path, dpi=120)


def _channels(layer):
    return layer.moving_mean.shape[0]


def _inputs(model, layer, x, policy):
    """What arrives at `layer`, (rows, channels), when all of `x` is predicted as one batch."""
    if layer.input is model.input:
        return np.asarray(x, np.float32)
    return Model(model.input, layer.input).predict(x, batch_size=len(x), statistics=policy, verbose=0)


def _panel(axes, layer, inputs, policy):
    if policy == "moving":
        mean, deviation = layer.moving_mean.numpy(), np.sqrt(layer.moving_variance.numpy())
        title = f"{layer.name}: predict(x), moving statistics"
    else:
        mean, deviation = inputs.mean(0), inputs.std(0)
        title = f'{layer.name}: predict(x, statistics="batch")'
    channels = np.arange(inputs.shape[1])
    jitter = np.random.default_rng(0).uniform(-0.28, 0.28, inputs.shape)
    for channel in channels:
        at = (channel - 0.36, 0.72)
        axes.broken_barh(
            [(mean[channel] - deviation[channel], 2 * deviation[channel])],
            at,
            color=STATISTICS,
            alpha=0.25,
            lw=0,
            label="normalized with: mean ± standard deviation" if channel == 0 else None,
        )
        axes.plot([mean[channel]] * 2, [at[0], sum(at)], color=STATISTICS, lw=2)
    axes.scatter(
        inputs, channels + jitter, s=7, color=INPUT, alpha=0.55, lw=0, label="input of the layer, 100 displaced rows"
    )
    distance = np.abs(inputs.mean(0) - mean) / deviation
    axes.set_title(
        f"{title}\nmean of the input is off by {distance.mean():.1f} standard deviations", fontsize=10, color=INK
    )
    axes.set_yticks(channels)
    axes.set_ylabel("channel")
    axes.set_xlabel("value")
    axes.spines[["top", "right"]].set_visible(False)
    axes.invert_yaxis()


def _share_range(row):
    low, high = min(a.get_xlim()[0] for a in row), max(a.get_xlim()[1] for a in row)
    for axes in row:
        axes.set_xlim(low, high)

"""An audit's figure: a row a layer, the statistics of training beside those of the data, worst channels first."""

import numpy as np

TRAINED, DATA, INK = "#4c78a8", "#e45756", "#333333"
MOST_CHANNELS, MOST_LAYERS = 24, 12


def plot(audit):
    """A matplotlib `Figure` of an `Audit`; of many layers those that are off most, in the order of the model.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure  # half a second to import; pyplot and its state are not needed

    layers = worst_layers(audit.layers, MOST_LAYERS)
    figure = Figure(figsize=(11, 2.3 * len(layers) + 1.3), layout="constrained", facecolor="white")
    figure.suptitle(audit.verdict.headline, fontsize=13, color=INK, x=0.01, ha="left")
    for axes, layer in zip(figure.subplots(len(layers), 1, squeeze=False)[:, 0], layers):
        _panel(axes, layer, audit.against)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure


def worst_layers(layers, most):
    """At most so many, those with the largest divergence, in the order of the model."""
    if len(layers) <= most:
        return layers
    kept = sorted(range(len(layers)), key=lambda place: -layers[place].divergence.mean())[:most]
    return [layers[place] for place in sorted(kept)]


def bars_of(layer, most):
    """(channels, training's (low, middle, high), the data's) in standard deviations of training, worst channels first."""
    channels = layer.order[:most]
    spread = np.sqrt(layer.moving_variance + layer.epsilon)
    spread = np.where(spread > 0, spread, 1)
    trained = (np.sqrt(layer.moving_variance) / spread)[channels]
    middle, width = layer.displacement[channels], (np.sqrt(layer.variance) / spread)[channels]
    return channels, (-trained, 0 * trained, trained), (middle - width, middle, middle + width)


def _panel(axes, layer, against):
    channels, trained, data = bars_of(layer, MOST_CHANNELS)
    places = np.arange(len(channels))
    for (low, middle, high), move, colour, name in (
        (trained, -0.18, TRAINED, f"{against}: mean ± standard deviation"),
        (data, 0.18, DATA, "the data: mean ± standard deviation"),
    ):
        axes.vlines(places + move, low, high, color=colour, lw=5, alpha=0.45, label=name)
        axes.plot(places + move, middle, "_", color=colour, ms=9, mew=2)
    rest = len(layer.mean) - len(channels)
    more = f"; {rest} more channels are not shown" if rest else ""
    axes.set_title(
        f"{layer.layer}: {layer.kind or 'fits'}, off by {layer.rms_displacement:.2f} standard deviations{more}",
        fontsize=10,
        color=INK,
        loc="left",
    )
    axes.set_xticks(places, channels, fontsize=8)
    axes.set_xlim(-0.8, max(len(channels), 8) - 0.2)
    axes.set_xlabel("channel", fontsize=8, loc="right")
    axes.set_ylabel("std of training", fontsize=8)
    axes.axhline(0, color=INK, lw=0.6, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)

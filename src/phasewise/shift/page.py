"""An audit as one page that needs nothing else: figures inline, for screen, phone and paper, in light and dark."""

import html
import importlib.resources

import numpy as np

from phasewise.shift.audit_plot import bars_of, worst_layers
from phasewise.shift.verdict import written

MOST_CHANNELS, MOST_LAYERS = 16, 8
WIDTH = 640  # of a figure, in its own units


def page(audit):
    """The page of an `Audit`, a str."""
    style = importlib.resources.files("phasewise.shift").joinpath("page.css").read_text(encoding="utf-8")
    parts = [
        _verdict(audit),
        _where(audit),
        _channels(audit),
        _remedies(audit.remedies, audit.verdict),
        _how(audit),
    ]
    title = html.escape(f"{audit.model}: shift audit")
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{title}</title>\n<style>\n{style}</style>\n</head>\n'
        f"<body>\n<main>\n{''.join(parts)}</main>\n</body>\n</html>\n"
    )


def _verdict(audit):
    verdict = audit.verdict
    state, mark = ("shifted", "!") if verdict.is_shifted else ("fits", "✓") if verdict.is_decided else ("unsure", "?")
    sentences = "".join(f"<p>{_text(each)}</p>" for each in verdict.sentences)
    warnings = "".join(f'<p class="beware"><b>Beware:</b> {_text(each)}</p>' for each in verdict.warnings)
    facts = (
        f"Model {audit.model}, {audit.rows:,} rows, held against {audit.against}; level of the tests {audit.alpha:g}."
    )
    return (
        f'<header class="{state}"><div class="mark" aria-hidden="true">{mark}</div><div><h1>{_text(verdict.headline)}</h1>'
        f'{sentences}{warnings}<p class="facts">{_text(facts)}</p></div></header>\n'
    )


def _where(audit):
    shown = worst_layers(audit.layers, 40)
    top = max(max(layer.rms_displacement for layer in shown), 0.5)
    rows = []
    for layer in shown:
        width = 100 * layer.rms_displacement / top
        what = f'<td class="words">{_text(layer.kind or "fits")}</td>'
        state = "off" if layer.is_shifted else "ok"
        p = "< 1e-12" if layer.p < 1e-12 else f"{layer.p:.2g}"
        rows.append(
            f'<tr><th scope="row">{_text(layer.layer)}</th>{what}<td class="bar"><span class="{state}" style="width:{width:.1f}%"></span></td>'
            f"<td>{layer.rms_displacement:.2f}</td><td>{np.exp(np.mean(layer.log_ratio)):.2f} ×</td>"
            f"<td>{layer.share_affected:.0%}</td><td>{p}</td></tr>"
        )
    head = (
        '<tr><th>normalization</th><th class="words">what</th><th class="words" colspan="2">displacement, std</th><th>spread</th>'
        "<th>channels</th><th>p</th></tr>"
    )
    rest = len(audit.layers) - len(shown)
    more = f"<p>{rest} that are off less are not shown.</p>" if rest else ""
    return (
        "<section><h2>Where</h2><p>How far what arrives at each normalization is from what it was in training, in the order of the "
        "model. A bar is the displacement of the mean, in standard deviations of training; red is more than chance.</p>"
        f'<div class="wide"><table>{head}{"".join(rows)}</table></div>{more}</section>\n'
    )


def _channels(audit):
    figures = "".join(_figure(layer) for layer in worst_layers(audit.layers, MOST_LAYERS))
    trained = "reference data" if audit.against == "reference data" else "training (moving statistics)"
    legend = (
        f'<p class="legend"><span class="key trained"></span>{_text(trained)} '
        '<span class="key data"></span>the data. A bar is mean ± one standard deviation, in standard deviations of training; '
        "the channels that are off most come first.</p>"
    )
    return f"<section><h2>Channels</h2>{legend}{figures}</section>\n"


def _figure(layer):
    channels, trained, data = bars_of(layer, MOST_CHANNELS)
    low = min(-1.5, np.min(data[0])) - 0.2
    high = max(1.5, np.max(data[2])) + 0.2
    height, left, bottom = 170, 34, 22

    def y(value):
        return (height - bottom) * (high - value) / (high - low) + 4

    step = min((WIDTH - left) / len(channels), 80)
    drawn = [_line(left, WIDTH, y(tick), tick) for tick in _ticks(low, high)]
    for place, channel in enumerate(channels):
        x = left + step * (place + 0.5)
        for name, bar, move in (("trained", trained, -6), ("data", data, 6)):
            a, middle, b = (y(part[place]) for part in bar)
            drawn.append(
                f'<rect class="{name}" x="{x + move - 4:.1f}" y="{b:.1f}" width="8" height="{max(a - b, 1):.1f}"/>'
            )
            drawn.append(
                f'<rect class="{name} mean" x="{x + move - 6:.1f}" y="{middle - 1:.1f}" width="12" height="2.4"/>'
            )
        drawn.append(f'<text x="{x:.1f}" y="{height - 4}" text-anchor="middle">{channel}</text>')
    caption = f"{layer.layer}: {layer.kind or 'fits'}"
    rest = len(layer.mean) - len(channels)
    more = f"; {rest} more channels are not shown" if rest else ""
    return (
        f"<figure><figcaption><b>{_text(layer.layer)}</b>: {_text(layer.kind or 'fits')}{more}</figcaption>"
        '<div class="wide">'
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(caption)}">{"".join(drawn)}</svg></div></figure>'
    )


def _line(left, right, y, tick):
    kind = "axis" if tick == 0 else "grid"
    return (
        f'<line class="{kind}" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{left - 5}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
    )


def _ticks(low, high):
    """About five round numbers, 0 among them."""
    raw = (high - low) / 5
    size = 10 ** np.floor(np.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    return [round(step * k, 12) for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _remedies(tried, verdict):
    names = [*tried.columns(tried.tried[0])]
    names += [] if tried.kind == "numbers" else ["predicted classes"]
    head = "<tr><th>statistics</th>" + "".join(f"<th>{_text(name)}</th>" for name in names) + "</tr>"
    rows = []
    for each in tried.tried:
        best = ' class="best"' if tried.is_better(each) else ""
        cells = [*tried.columns(each).values()]
        cells += [] if tried.kind == "numbers" else [_histogram(each.histogram)]
        rows.append(
            f'<tr{best}><th scope="row">{each.statistics}</th>' + "".join(f"<td>{c}</td>" for c in cells) + "</tr>"
        )
    told_best = tried.told_best("marked is")
    note = (
        f"Tried on {tried.rows} rows, {tried.batch_rows} a batch{told_best and '; ' + told_best}. Moving statistics are those of "
        "training, batch statistics those of the rows that are predicted together, a blend is both."
    )
    halving = ""
    if tried.halved is not None:
        halving = (
            f"<p>How much batch statistics depend on the batch: with half the rows {tried.halved:.0%} of the predicted classes stay, with "
            f"the rows sorted by class {tried.sorted:.0%}.</p>"
        )
    advice = _advice(verdict.helps) if verdict.helps else ""
    return (
        f"<section><h2>What would help</h2><p>{note}</p>{advice}"
        f'<div class="wide"><table>{head}{"".join(rows)}</table></div>{halving}</section>\n'
    )


def _advice(helps):
    """What to write: for one call, and for good."""
    lines = f'<p>For one call:</p><p class="do">model.predict(x, statistics={_text(written(helps))})</p>'
    if helps != "batch":
        return lines
    return (
        f"{lines}<p>For good, in Python or at the command line:</p><p class=\"do\">phasewise.adapt(model, data, 'adabn').keep()<br>"
        "phasewise adapt MODEL DATA --method adabn -o OUT.keras</p>"
    )


def _histogram(counts):
    """Bars of the predicted classes; of many the most frequent."""
    top, total = max(max(counts), 1), max(sum(counts), 1)
    shown = range(len(counts)) if len(counts) <= 20 else sorted(range(len(counts)), key=lambda k: -counts[k])[:20]
    step = 120 / len(shown)
    bars = "".join(
        f'<rect class="data" x="{step * i:.1f}" y="{28 - 26 * counts[k] / top:.1f}" width="{max(step - 1.5, 1):.1f}" '
        f'height="{26 * counts[k] / top:.1f}"><title>class {k}: {counts[k] / total:.0%}</title></rect>'
        for i, k in enumerate(shown)
    )
    words = ", ".join(f"{k}: {counts[k] / total:.0%}" for k in shown if counts[k])
    return f'<svg class="small" viewBox="0 0 120 30" role="img" aria-label="{words}">{bars}</svg>'


def _how(audit):
    known = " ".join(dict.fromkeys(_known(layer.evidence) for layer in audit.layers))
    items = (
        (
            "displacement, std",
            "How far the mean of the data is from that of training, divided by the standard deviation of training.",
        ),
        ("spread", "The standard deviation of the data divided by that of training; 1 × is the same."),
        ("channels", "The share of the channels whose mean or variance is off by more than chance."),
        (
            "p",
            "How probable a deviation as large as this is where nothing has shifted, all layers and channels considered (Holm 1979). "
            f"Below {audit.alpha:g} counts as a shift.",
        ),
        ("entropy", "How unsure the predictions are, in nats; 0 is quite sure."),
        ("information", "How well the predictions tell rows apart; 0 where all rows are given the same."),
        ("agrees", "The share of the cases that get the class that they have under moving statistics."),
    )
    listed = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in items)
    return f"<section><h2>How to read this</h2><p>{known} A row counts as one, however many positions it has.</p><dl>{listed}</dl></section>\n"


def _known(evidence):
    return {
        "fit": f"The statistics of training are averages over batches of {evidence.batch:g} rows, and as uncertain as those of "
        f"{evidence.rows:,.0f} rows; the tests take that into account.",
        "assumed": f"How large the batches of training were is not known; {evidence.batch:g} rows were assumed.",
        "exact": f"Statistics that were taken over all rows of training are exact, over {evidence.rows:,.0f} rows.",
        "unknown": f"How many rows a Normalization was adapted to is not known; {evidence.rows:,.0f} were assumed.",
        "reference": f"The reference data have {evidence.rows:,.0f} rows.",
    }[evidence.source]


def _text(words):
    return html.escape(str(words), quote=False)

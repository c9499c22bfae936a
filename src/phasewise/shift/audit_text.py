"""An audit as text: the verdict and two tables, as wide as the terminal that it is read in."""

import textwrap

import numpy as np

from phasewise.models.table import WIDEST, Column, fitted, terminal_columns


def text(audit):
    """The text of an `Audit`. Where the terminal is narrow, sentences are broken between words and tables leave columns out.

    Where there is no terminal, as in a file, a sentence is one line.
    """
    columns = terminal_columns()
    verdict = str(audit.verdict)
    if columns:
        verdict = "\n".join(textwrap.fill(line, min(columns, WIDEST)) for line in verdict.splitlines())
    width = min(columns, WIDEST) or WIDEST
    return f"{verdict}\n\n{_layers(audit, width)}\n\n{_remedies(audit.remedies, width)}"


def _layers(audit, width):
    longest = min(max(len(layer.layer) for layer in audit.layers), 30, max(width * 2 // 5, 12))
    columns = [Column("layer", width=longest)]
    columns += [Column(name, "right") for name in ("off by", "most in", "std ratio", "KL, nats", "affected", "p")]
    rows = [
        [
            layer.layer,
            f"{layer.rms_displacement:.2f} std",
            f"{layer.displacement[layer.most_displaced]:+.2f} ({layer.most_displaced})",
            f"{np.exp(np.mean(layer.log_ratio)):.2f} ×",
            f"{layer.divergence.mean():.3f}",
            f"{layer.share_affected:.0%}",
            _p(layer.p),
            layer.kind or "fits",
        ]
        for layer in audit.layers
    ]
    title = f"{audit.model}: {audit.rows:,} rows against {audit.against}, alpha {audit.alpha:g}"
    return fitted(title, [*columns, Column("what")], rows, ("KL, nats", "std ratio", "most in", "p"), width)


def _p(value):
    return "< 1e-12" if value < 1e-12 else f"{value:.2g}"


def _remedies(tried, width):
    """The table of what was tried."""
    told = list(tried.columns(tried.tried[0]))
    columns = ["statistics", *(Column(name, "right") for name in told)]
    columns += [] if tried.kind == "numbers" else ["predicted classes"]
    rows = []
    for each in tried.tried:
        cells = [each.statistics + (" *" if tried.is_better(each) else "")]
        cells += tried.columns(each).values()
        cells += [] if tried.kind == "numbers" else [_shares(each.histogram)]
        rows.append(cells)
    told_best = tried.told_best("*")
    title = f"What other statistics would do ({tried.rows} rows, {tried.batch_rows} a batch{told_best and '; ' + told_best})"
    least = [name for name in reversed(told) if name not in (tried.by, "accuracy", "agrees", "differs by")]
    return fitted(title, columns, rows, least, width)


def _shares(histogram, most=6):
    total = max(sum(histogram), 1)
    order = sorted(range(len(histogram)), key=lambda k: -histogram[k])
    kept = [f"{k}: {histogram[k] / total:.0%}" for k in order[:most] if histogram[k]]
    return ", ".join(kept) + (" …" if sum(map(bool, histogram)) > most else "")

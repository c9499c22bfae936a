"""The rows of the bench as a person reads them."""

from peers import PEERS


def table(rows):
    """The rows as a Markdown table, each group under its name; the fastest peer is the one in bold."""
    lines = ["| | phasewise | peers | ratio | bar |", "|---|---|---|---|---|"]
    group = None
    for row in rows:
        if row["group"] != group:
            group = row["group"]
            lines.append(f"| **{group}** | | | | |")
        ratio = f"{row['ratio']:.3g}×" if row["ratio"] else "-"
        bar = f"{row['bar']}: {row['verdict']}" if row["verdict"] else "-"
        mine = shown(row["phasewise"], row["unit"])
        lines.append(f"| {row['title']} | {mine} | {peers_of(row)} | {ratio} | {bar} |")
    return "\n".join(lines)


def peers_of(row):
    """Every peer with its number."""
    cells = []
    for name, value in row["peers"].items():
        number = shown(value, row["unit"])
        cells.append(f"{PEERS[name].title} {f'**{number}**' if name == row['fastest'] else number}")
    return ", ".join(cells) or "-"


def bar_of(case):
    """The bar in words."""
    parts = []
    if case.most is not None:
        parts.append(f"≤ {shown(case.most, case.unit)}")
    if case.least_ratio is not None:
        parts.append(f"≥ {case.least_ratio:.3g}×")
    return ", ".join(parts)


def shown(value, unit):
    """A number with its unit."""
    if value is None:
        return "-"
    if unit == "×":
        return f"{value:.3f}×"
    if unit == "MiB":
        return f"{value:,.0f} MiB"
    if unit != "s":
        return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
    for limit, factor, name in ((1e-3, 1e6, "µs"), (1, 1e3, "ms")):
        if value < limit:
            return f"{value * factor:.3g} {name}"
    return f"{value:.3g} s"

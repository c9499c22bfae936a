"""Boxes and arrows in rows from top to bottom, as an SVG."""

import itertools
from html import escape

LINE, PAD, GAP, ROWS = 17, 10, 28, 38  # heights and distances in pixels
CHARACTER = 7.2
STYLE = "font-family:Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:12px"


def svg(boxes, arrows, sideways=False):
    """The picture as text.

    Args:
        boxes: list of `Box`.
        arrows: list of (from, to), places in it; they lead to later boxes.
        sideways: from left to right instead.
    """
    rows, arrows_by_row = _rows(len(boxes), arrows)
    sizes = [_size(box) for box in boxes] + [(8, LINE)] * (sum(map(len, rows)) - len(boxes))
    sizes = [(h, w) for w, h in sizes] if sideways else sizes
    places, width, height = _placed(rows, sizes, len(boxes))
    parts = [_arrow(places[a], places[b], sizes[a], sizes[b], b < len(boxes), sideways) for a, b in arrows_by_row]
    for number, box in enumerate(boxes):
        x, y = places[number]
        parts.append(_drawn(box, *((y, x) if sideways else (x, y))))
    across = (height, width) if sideways else (width, height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across[0]:.0f}" height="{across[1]:.0f}" '
        f'viewBox="0 0 {across[0]:.0f} {across[1]:.0f}" style="{STYLE}">\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{chr(10).join(parts)}\n</svg>\n'
    )


def _rows(count, arrows):
    """The boxes of each row, with a point in each row that an arrow passes; and the arrows from row to row."""
    depth = [0] * count
    for a, b in sorted(arrows):
        depth[b] = max(depth[b], depth[a] + 1)
    rows = [[] for _ in range(max(depth) + 1)]
    for number, row in enumerate(depth):
        rows[row].append(number)
    parted = []
    for a, b in arrows:
        for row in range(depth[a] + 1, depth[b]):
            rows[row].append(count)
            parted.append((a, count))
            a, count = count, count + 1
        parted.append((a, b))
    for above, row in itertools.pairwise(rows):
        order = {number: place / max(len(above) - 1, 1) for place, number in enumerate(above)}
        middle = {n: [order[a] for a, b in parted if b == n and a in order] or [0.5] for n in row}
        row.sort(key=lambda n: sum(middle[n]) / len(middle[n]))
    return rows, parted


def _size(box):
    width = max(map(len, (box.title, *box.lines))) * CHARACTER + 2 * PAD
    return width, (1 + len(box.lines)) * LINE + PAD


def _placed(rows, sizes, count):
    """The upper left corner of each box, and the size of the picture. A point that an arrow passes is as high as its row."""
    widths = [sum(sizes[n][0] for n in row) + GAP * (len(row) - 1) for row in rows]
    width, y, places = max(widths) + 2 * GAP, GAP, {}
    for row, own in zip(rows, widths):
        x, tallest = (width - own) / 2, max(sizes[n][1] for n in row)
        for number in row:
            if number >= count:
                sizes[number] = sizes[number][0], tallest
            places[number] = x, y + (tallest - sizes[number][1]) / 2
            x += sizes[number][0] + GAP
        y += tallest + ROWS
    return places, width, y - ROWS + GAP


def _arrow(start, end, size, target, has_tip, sideways):
    x, y = start[0] + size[0] / 2, start[1] + size[1]
    to_x, to_y = end[0] + target[0] / 2, end[1]
    bend = (y + to_y) / 2
    points = [(x, y), (x, bend), (to_x, bend), (to_x, to_y)]
    if not has_tip:  # it goes on through the row
        points.append((to_x, to_y + target[1]))
    a, b, c, d, *on = [f"{q:.1f} {p:.1f}" if sideways else f"{p:.1f} {q:.1f}" for p, q in points]
    path = f"M{a}C{b} {c} {d}" + "".join(f"L{each}" for each in on)
    return f'<path d="{path}" fill="none" stroke="#555"{" marker-end=" + chr(34) + "url(#tip)" + chr(34) if has_tip else ""}/>'


def _drawn(box, x, y):
    width, height = _size(box)
    fill, edge = ("#fff3e0", "#e67700") if box.depends else ("#f4f6f8", "#8a96a3")
    text = [
        f'<text x="{x + PAD:.1f}" y="{y + PAD / 2 + LINE * (i + 0.75):.1f}" fill="{"#111" if i == 0 else "#555"}">{escape(line)}</text>'
        for i, line in enumerate((box.title, *box.lines))
    ]
    frame = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5" fill="{fill}" stroke="{edge}"/>'
    return "".join([frame, *text])

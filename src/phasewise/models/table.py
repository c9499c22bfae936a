"""Tables as text, for all that a model can be asked."""

import io
import shutil
from typing import NamedTuple

WIDEST = 108
GAP = 3  # between two columns


class Column(NamedTuple):
    """A column's heading, "left", "right" or "center", and its width in characters (None: as wide as it needs)."""

    name: str
    justify: str = "left"
    width: int | None = None


def render(title, columns, rows, *, width=WIDEST):
    """A table as text.

    Args:
        title: str.
        columns: list of `Column`, or of str for plain ones.
        rows: lists of str, a cell for each column; a cell may have several lines.
        width: the most characters in a line.
    """
    from rich import box  # rich costs 0.1 s to import and is needed only when something is drawn
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        name, justify, fixed = Column(column) if isinstance(column, str) else column
        table.add_column(name, justify=justify, width=fixed, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(file=io.StringIO(), width=width, color_system=None, markup=False, force_jupyter=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in console.file.getvalue().rstrip().splitlines())


def terminal_columns():
    """How wide the terminal is, or the variable COLUMNS says; 0 where there is none, as for a file."""
    return shutil.get_terminal_size((0, 0)).columns


def fitted(title, columns, rows, least, width=None):
    """`render`, no wider than the terminal, if leaving out columns makes that possible.

    Args:
        title, columns, rows: as for `render`; the last column may be broken between words.
        least: names of columns that can be left out, in this order.
        width: in characters; left out, that of the terminal, at most 108.
    """
    width = width or min(terminal_columns() or WIDEST, WIDEST)
    columns = [Column(column) if isinstance(column, str) else column for column in columns]
    for name in least:
        if _needed(columns, rows) <= width:
            break
        place = [column.name for column in columns].index(name)
        columns = columns[:place] + columns[place + 1 :]
        rows = [row[:place] + row[place + 1 :] for row in rows]
    # A number that is broken is none; the last column may be, between words.
    kept = [
        column._replace(width=column.width or _widest(rows, place, column)) for place, column in enumerate(columns[:-1])
    ]
    last = columns[-1]
    rest = width - 2 - sum(column.width + GAP for column in kept)
    return render(title, [*kept, last._replace(width=min(_widest(rows, -1, last), max(rest, 10)))], rows, width=width)


def _widest(rows, place, column):
    return max(len(column.name), *(len(row[place]) for row in rows))


def _needed(columns, rows, broken=14):
    """How wide a table has to be whose last column is broken between words."""
    whole = sum((column.width or _widest(rows, place, column)) + GAP for place, column in enumerate(columns[:-1]))
    return 2 + whole + min(_widest(rows, -1, columns[-1]), broken)

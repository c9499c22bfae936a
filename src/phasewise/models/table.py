"""Tables as text, for all that a model can be asked."""

import io
from typing import NamedTuple


class Column(NamedTuple):
    """A column's heading, "left", "right" or "center", and its width in characters (None: as wide as it needs)."""

    name: str
    justify: str = "left"
    width: int | None = None


def render(title, columns, rows, *, width=108):
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

"""Tables as text, for all that a model can be asked."""

import io


def render(title, columns, rows, *, right=(), width=108):
    """A table as text.

    Args:
        title: str.
        columns: list of str.
        rows: lists of str.
        right: names of columns that are aligned to the right.
        width: the most characters in a line.
    """
    from rich import box  # rich costs 0.1 s to import and is needed only when something is drawn
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in right else "left")
    for row in rows:
        table.add_row(*row)
    console = Console(file=io.StringIO(), width=width, color_system=None, markup=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in console.file.getvalue().rstrip().splitlines())

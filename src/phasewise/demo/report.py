"""What the demo prints."""

import json
import sys

from phasewise.training.progress.lines import duration


def print_text(result, figure):
    """The tables, what `explain()` says, the times and where the figure is; `figure` is a path or None."""
    from rich.console import Console  # rich costs 0.1 s to import and is needed only when something is drawn

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 108)
    console.print()
    console.print("[bold]A classifier with batch normalization, trained on N(0, 1), asked about N(2, 1)[/bold]")
    console.print("The task moves with the data: the label says whether x is above the mean. 100 rows each.")
    console.print()
    console.print(_accuracies(result))
    for trained in result.trained:
        console.print(f"\n[bold]explain()[/bold] of the model built with {trained.name}:\n", markup=True)
        print(trained.explanation)
    console.print()
    console.print(_times(result))
    if figure:
        console.print()
        console.print(f"Figure: {figure}", soft_wrap=True)


def print_json(result, figure):
    """One JSON object; `figure` is a path or null."""
    print(json.dumps({**result.to_dict(), "figure": str(figure) if figure else None}, indent=2))


def _accuracies(result):
    from rich import box
    from rich.table import Table

    table = Table(title="Accuracy", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    table.add_column("layers called as")
    table.add_column("predicted with")
    table.add_column("unshifted", justify="right")
    table.add_column("shifted", justify="right")
    for outcome in result.outcomes:
        table.add_row(outcome.model, outcome.predict, f"{outcome.unshifted:.2f}", f"{outcome.shifted:.2f}")
    return table


def _times(result):
    from rich import box
    from rich.table import Table

    table = Table(title="Time", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    table.add_column("layers called as")
    table.add_column("fit, 3130 steps, compilation included", justify="right")
    table.add_column("a step", justify="right")
    for trained in result.trained:
        table.add_row(trained.name, duration(trained.fit_seconds), duration(trained.step_seconds))
    return table

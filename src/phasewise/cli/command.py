"""What all commands have alike: how they are added, and how one object is printed as JSON."""

import argparse
import json
import math
import shutil
import textwrap
from collections.abc import Callable
from typing import Any


def added(commands: Any, name: str, run: Callable[[Any], int], *, help: str, description: str, example: str) -> Any:
    """A parser for the command `name` among `commands`; `example` is printed under its help."""
    parser = commands.add_parser(
        name,
        help=help,
        description=_wrapped(description),
        epilog=f"example:\n{example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _wrapped(text):
    """Paragraphs as wide as the terminal; those that begin with spaces as they are."""
    width = shutil.get_terminal_size().columns - 2
    parts = text.split("\n\n")
    return "\n\n".join(part if part.startswith(" ") else textwrap.fill(part, width) for part in parts)


def add_json(parser: Any) -> None:
    """The option `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def print_json(item: dict[str, Any]) -> None:
    """One object; numbers that JSON does not know (NaN, infinity) are null."""
    print(json.dumps(_finite(item), indent=2, allow_nan=False))


def _finite(item):
    if isinstance(item, dict):
        return {str(key): _finite(value) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_finite(value) for value in item]
    return None if isinstance(item, float) and not math.isfinite(item) else item

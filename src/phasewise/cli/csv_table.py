"""Tables of numbers in .csv files; what is no number is told of by line and column."""

import csv
import math
import warnings
from collections.abc import Sequence

import numpy as np

from phasewise.cli.failing import Mistake
from phasewise.core.registry import did_you_mean
from phasewise.core.warning import PhasewiseWarning

DELIMITERS = ",;\t"
_MISSING = ("", "nan", "na", "n/a", "null", "none", "?")


def read(path: str, dropped: Sequence[str] = (), header: str | None = None) -> np.ndarray:
    """The table as an array of float32, (rows, columns).

    The first line names the columns where none of its cells is a number, and is a row where all are. Where they count from 0 on, as
    pandas writes names that were never given, they are names: that is told as a warning, and a column before them that has no name,
    pandas's numbers of the rows, is left out. A first line of words and numbers may be either (a row with a category, or names of
    which some are years), and is refused unless `header` says what it is. Cells are separated by what the first line has most of:
    commas, semicolons or tabs. Empty lines do not count.

    Args:
        path: of the file.
        dropped: columns to leave out, by name or by number from 1 on.
        header: "yes": the first line is names; "no": it is a row; None: as it looks.

    Raises:
        Mistake: a cell that is no finite number, a line with more or fewer cells than the first, no rows, no such column; a first
            line that may be names or a row.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            delimiter = _delimiter(file)
            lines = csv.reader(file, delimiter=delimiter)
            table = [(lines.line_num, cells) for cells in lines if any(cell.strip() for cell in cells)]
    except UnicodeDecodeError as error:
        raise Mistake(f"{path!r} is no text in UTF-8 (byte {error.start:,}).") from error
    except csv.Error as error:
        raise Mistake(f"{path!r} is no table: {error}.") from error
    if not table:
        raise Mistake(f"{path!r} is empty.")
    first = table[0][1]
    counts = header is None and _counts(first, path)
    has_names = counts or (header == "yes" if header else _are_names(first, path))
    names = [cell.strip() for cell in first] if has_names else [str(n + 1) for n in range(len(first))]
    rows = table[1:] if has_names else table
    if not rows:
        raise Mistake(f"{path!r} has no rows below the names of its columns.")
    if not has_names and header is None:  # in columns that are dropped too: it may be a line of names
        for column, cell in enumerate(first):
            _number(cell, path, table[0][0], column, names, has_names)
    kept = _kept(path, names, ["", *dropped] if counts and not names[0] else dropped, has_names)
    array = np.empty((len(rows), len(kept)), np.float32)
    for place, (line, cells) in enumerate(rows):
        if len(cells) != len(names):
            raise Mistake(f"line {line} of {path!r} has {len(cells)} cells; the first line has {len(names)}.")
        array[place] = [_number(cells[column], path, line, column, names, has_names) for column in kept]
    return array


def _delimiter(file):
    first = file.readline()
    file.seek(0)
    return max(DELIMITERS, key=first.count)


def _kept(path, names, dropped, has_names):
    away = set()
    for column in dropped:
        if column in names:
            away.add(names.index(column))
        elif column.isdigit() and 1 <= int(column) <= len(names):
            away.add(int(column) - 1)
        else:
            known = f" It has: {', '.join(names)}." if has_names else f" It has {len(names)}, without names."
            raise Mistake(f"{path!r} has no column {column!r} to drop.{did_you_mean(column, names)}{known}")
    return [place for place in range(len(names)) if place not in away]


def _counts(first, path):
    """Are the cells 0, 1, 2 ..., the names that pandas gives to columns, behind one without a name perhaps?"""
    cells = [cell.strip() for cell in first]
    named = cells[1:] if not cells[0] else cells
    if len(named) < 2 or named != [str(n) for n in range(len(named))]:
        return False
    warnings.warn(
        f"the first line of {path!r} counts from 0 to {len(named) - 1}: it is taken as the names of the columns, as pandas writes them, "
        f"not as a row{'' if cells[0] else '; the column without a name is left out'}. --header no takes it as a row.",
        PhasewiseWarning,
        stacklevel=3,
    )
    return True


def _are_names(first, path):
    """Does the first line name the columns?

    Raises:
        Mistake: it has words and numbers.
    """
    there = [cell.strip() for cell in first if cell.strip().lower() not in _MISSING]
    words, numbers = [cell for cell in there if not _is_number(cell)], [cell for cell in there if _is_number(cell)]
    if words and numbers:
        raise Mistake(
            f"the first line of {path!r} has words ({words[0]!r}) and numbers ({numbers[0]!r}): it may be names of columns or a row. "
            "Say which, with --header yes or --header no; or put a line of names above it."
        )
    return bool(words)


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # Python's 1_000; in a table it is a name


def _number(cell, path, line, column, names, has_names):
    text = cell.strip()
    value = float(text) if _is_number(text) else math.nan
    if math.isfinite(value):
        return value
    where = f"line {line}, column {column + 1}" + (f" ({names[column]!r})" if has_names else "")
    if text.lower() in _MISSING:
        raise Mistake(
            f"a value is missing in {where} of {path!r}{f': {text!r}' if text else ''}. Fill it in, or leave the row out."
        )
    what = "infinite" if math.isinf(value) else "no number"
    raise Mistake(
        f"{text!r} in {where} of {path!r} is {what}. Leave such a column out with --drop, or encode it as numbers."
    )

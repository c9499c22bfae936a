"""Tracebacks as if Python itself had run the script: without the lines of what runs it and stands in for its imports."""

import importlib
import os
import types

_OWN = os.path.dirname(__file__) + os.sep
_COMMAND = os.path.join(os.path.dirname(os.path.dirname(__file__)), "cli") + os.sep
_IMPORTING = os.path.dirname(importlib.__file__) + os.sep
_OURS = (_OWN, _COMMAND, _IMPORTING, "<frozen importlib")


def told(error: BaseException) -> tuple[type[BaseException], BaseException, types.TracebackType | None]:
    """What `sys.excepthook` takes for an error; it, and those behind it, lose our lines."""
    seen, waiting = set(), [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        each.__traceback__ = _without_ours(each.__traceback__)
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
    return type(error), error, error.__traceback__


def _without_ours(traceback):
    theirs = []
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(_OURS):
            theirs.append(traceback)
        traceback = traceback.tb_next
    rest = None
    for each in reversed(theirs):
        rest = types.TracebackType(rest, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return rest

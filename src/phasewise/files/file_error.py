"""What a file is refused with."""

import contextlib
from collections.abc import Iterator


class FileError(OSError, ValueError):
    """A file that is damaged, is none of the kind that was asked for, or asks for what opening a file must never do.

    Keras raises sometimes OSError and sometimes ValueError for the same; this is both.
    """


@contextlib.contextmanager
def told_as_damage(what: str, besides: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Whatever goes wrong inside the block is a `FileError` that begins with `what`: libraries that read a damaged file raise anything.

    Args:
        what: beginning of the message.
        besides: errors that are left as they are, because they tell enough.
    """
    try:
        yield
    except (FileError, *besides):
        raise
    except (Exception, RecursionError) as error:
        text = str(error).strip() or type(error).__name__
        raise FileError(f"{what}: {text}") from error

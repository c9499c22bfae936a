"""How a command ends badly: one line for the person, and an exit status."""


class Mistake(Exception):
    """What was asked cannot be done: a wrong option, a file that is not there."""

    status = 2


class Failure(Exception):
    """What was asked went wrong: a full disk, a model that cannot be converted."""

    status = 1


def in_one_line(error: BaseException | str) -> str:
    """The message of an error, or a text, with its notes and without line breaks."""
    parts = [str(error), *getattr(error, "__notes__", ())]
    return " ".join(" ".join(part for part in parts if not part.startswith("----")).split()) or type(error).__name__

"""How a command ends badly: one line for the person, and an exit status."""


class Mistake(Exception):
    """What was asked cannot be done: a wrong option, a file that is not there."""

    status = 2


class Failure(Exception):
    """What was asked went wrong: a full disk, a model that cannot be converted."""

    status = 1

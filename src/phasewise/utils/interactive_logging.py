"""Whether what is said goes to a person or to a log."""

_state = {"enabled": True}


def enable_interactive_logging() -> None:
    """Show progress where people look (Keras: on standard output)."""
    _state["enabled"] = True


def disable_interactive_logging() -> None:
    """Show progress as plain lines of a log."""
    _state["enabled"] = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress is shown for a person."""
    return _state["enabled"]

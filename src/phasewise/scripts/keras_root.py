"""Names of Keras's root that mean another thing in phasewise's."""

__all__ = ["__version__", "version"]

__version__ = "3.15.1"  # whose names and arguments these are: scripts decide by it which of them they use


def version() -> str:
    """The version of Keras whose names these are."""
    return __version__

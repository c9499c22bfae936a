"""`tensorflow.__version__`."""

__all__ = ["__version__"]

__version__ = "2.21.0"  # whose names and arguments these are: scripts decide by it which of them they use

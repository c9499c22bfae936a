"""Windows of a Fourier transform, as arguments."""

from typing import Any

import numpy as np


def checked_window(owner: str, window: Any, length: int) -> Any:
    """The window: a name that SciPy knows, an array of `length` numbers, or None.

    Raises:
        ValueError: it is none of these.
    """
    if window is None:
        return None
    if isinstance(window, str):
        named_window(owner, window, length)
        return window
    given = np.asarray(window)
    if given.dtype.kind not in "iuf" or given.shape != (length,):
        raise ValueError(
            f"{owner}'s window is the name of a window, None, or an array of {length} numbers; got {window!r} of shape {given.shape}."
        )
    return given


def named_window(owner: str, name: str, length: int) -> np.ndarray:
    """The periodic window of this name, float64.

    Raises:
        ValueError: SciPy knows none.
    """
    from scipy.signal import get_window  # half a second to import, and only spectrograms need it

    try:
        return get_window(name, length)
    except ValueError as error:
        raise ValueError(f"{owner}'s window {name!r} is no window of scipy.signal.windows: {error}") from error


def window_in_config(window: Any) -> Any:
    """What a config holds of it."""
    return window.tolist() if isinstance(window, np.ndarray) else window

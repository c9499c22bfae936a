"""Arguments of ops that slide a window over positions: sizes for each axis, data formats, paddings."""

import numbers

from phasewise.core.registry import one_of
from phasewise.kernels.convolution_sizes import around

PADDINGS = ("valid", "same")


def sizes(owner, name, value, rank, least=1):
    """A whole number for each axis of positions, from one for all or one for each.

    Raises:
        ValueError: it is neither.
    """
    entries = tuple(value) if isinstance(value, list | tuple) else (value,) * rank
    if len(entries) != rank or not all(isinstance(n, numbers.Integral) and n >= least for n in entries):
        raise ValueError(f"{owner}'s {name} is an integer of at least {least}, or {rank} of them; got {value!r}.")
    return tuple(map(int, entries))


def is_first(owner, data_format):
    """Whether channels come before positions; None is `image_data_format()`."""
    return check_data_format(owner, "data_format", data_format) == "channels_first"


def padding_of(owner, padding):
    """ "valid" or "same", written in any case."""
    return one_of(owner, "padding", padding.lower() if isinstance(padding, str) else padding, PADDINGS)


def positions_of(x, channels_first):
    """The sizes of the axes of positions."""
    return x.shape[2:] if channels_first else x.shape[1:-1]


def arounds(padding, positions, window, strides, dilation):
    """The zeros around each axis of positions."""
    return tuple(around(padding, *each) for each in zip(positions, window, strides, dilation))


def check_rank(owner, x, ranks=(1, 2, 3)):
    """How many axes of positions (batch, *positions, channels) has.

    Raises:
        ValueError: none of `ranks`.
    """
    if x.ndim - 2 not in ranks:
        wanted = " or ".join(str(rank + 2) for rank in ranks)
        raise ValueError(
            f"{owner} takes an array of {wanted} axes, batch and channels among them; got shape {x.shape}."
        )
    return x.ndim - 2

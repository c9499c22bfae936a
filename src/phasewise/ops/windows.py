"""Arguments of ops that slide a window over positions: sizes for each axis, data formats, paddings."""

from phasewise.core.arguments import check_data_format, check_word
from phasewise.kernels.convolution_sizes import around

PADDINGS = ("valid", "same")


def is_first(owner, data_format):
    """Whether channels come before positions; None is `image_data_format()`."""
    return check_data_format(owner, "data_format", data_format) == "channels_first"


def padding_of(owner, padding):
    """ "valid" or "same", written in any case."""
    return check_word(owner, "padding", padding, PADDINGS)


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

"""The functions that NumPy has too, with Keras's names for arguments (`phasewise.ops` has them all)."""

from phasewise.core import public
from phasewise.ops.numpy import (
    arithmetic,
    bits,
    elementary,
    joining,
    logic,
    making,
    nan_reductions,
    places,
    products,
    quantiles,
    reductions,
    shaping,
)
from phasewise.ops.numpy.arithmetic import *  # noqa: F403
from phasewise.ops.numpy.bits import *  # noqa: F403
from phasewise.ops.numpy.elementary import *  # noqa: F403
from phasewise.ops.numpy.joining import *  # noqa: F403
from phasewise.ops.numpy.logic import *  # noqa: F403
from phasewise.ops.numpy.making import *  # noqa: F403
from phasewise.ops.numpy.nan_reductions import *  # noqa: F403
from phasewise.ops.numpy.places import *  # noqa: F403
from phasewise.ops.numpy.products import *  # noqa: F403
from phasewise.ops.numpy.quantiles import *  # noqa: F403
from phasewise.ops.numpy.reductions import *  # noqa: F403
from phasewise.ops.numpy.shaping import *  # noqa: F403
from phasewise.ops.tensors import ndim, size

__all__ = ["ndim", "size"]
__all__ += arithmetic.__all__
__all__ += bits.__all__
__all__ += elementary.__all__
__all__ += joining.__all__
__all__ += logic.__all__
__all__ += making.__all__
__all__ += nan_reductions.__all__
__all__ += places.__all__
__all__ += products.__all__
__all__ += quantiles.__all__
__all__ += reductions.__all__
__all__ += shaping.__all__

public.finish(__name__)

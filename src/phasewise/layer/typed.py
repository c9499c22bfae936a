"""The dtypes that a layer stores its weights in and computes in."""

from phasewise.core import precision
from phasewise.core.precision import DTypePolicy, PolicyLike
from phasewise.layer import settings


class Typed:
    """The part of a layer that has a dtype policy."""

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtypes that the layer stores its weights in and computes in. One that leaves the weights' dtype can be set at any
        time and holds from the next call on."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, policy: PolicyLike) -> None:
        is_made = "_own_variables" in vars(self)
        self._dtype_policy = settings.policy_set_later(self, policy) if is_made else precision.resolve(policy)

    @property
    def compute_dtype(self) -> str:
        """Name of the dtype that the layer computes in."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """Name of the dtype that the layer stores its weights in."""
        return self.dtype_policy.variable_dtype

    dtype = variable_dtype

    def _autocast_dtype(self):
        return self.compute_dtype if self.autocast and self.compute_dtype != self.variable_dtype else None

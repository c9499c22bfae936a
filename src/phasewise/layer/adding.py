"""What a layer adds to the training step beside its output: losses and metrics."""

from typing import Any

import jax.numpy as jnp

from phasewise.core.keywords import told
from phasewise.core.types import Array, ArrayLike
from phasewise.layer.added_losses import added_losses, record_loss
from phasewise.layer.added_metrics import record_metric


class Adding:
    """The methods of a layer that add losses and metrics."""

    def add_loss(self, loss: ArrayLike) -> None:
        """Add a scalar (or an array whose sum counts) to the loss of the training step; called from `call`."""
        record_loss(self, loss)

    @told
    def add_metric(self, value: ArrayLike, name: str | None = None, aggregation: Any = "mean") -> None:
        """Log a value under a name in `fit` and `evaluate`; called from `call`, at each call anew (Keras 2; gone in Keras 3).

        Args:
            value: array; of one that has rows, each counts once, a number counts once for its batch.
            name: under which it is logged.
            aggregation: "mean" over all that came in the epoch, or a metric object, whose `update_state(value)` is called.

        Raises:
            ValueError: no name, or another `aggregation`.
        """
        record_metric(self, value, name, aggregation)

    @property
    def losses(self) -> list[Array]:
        """The weight regularization terms, and what the last eager call of the layers added."""
        terms = [v.regularizer(jnp.asarray(v.value)) for v in self.trainable_variables if v.regularizer is not None]
        return added_losses(self) + terms

"""stateless_compute_loss: the loss for given values of all variables, in a JAX loop of one's own."""

from collections.abc import Sequence
from typing import Any

from phasewise.core.types import Array, ArrayLike, Nest
from phasewise.layer.stateless_scope import StatelessScope


class StatelessLoss:
    """The part of a model that computes its loss without changing anything."""

    def stateless_compute_loss(
        self,
        trainable_variables: Sequence[ArrayLike],
        non_trainable_variables: Sequence[ArrayLike],
        metrics_variables: Sequence[ArrayLike],
        x: Nest = None,
        y: Nest = None,
        y_pred: Nest = None,
        sample_weight: Nest = None,
        training: bool = True,
    ) -> tuple[Array, tuple[list[Array], list[Array], list[Array]]]:
        """`compute_loss` with these values of the model's variables, none of which changes.

            outputs, others = model.stateless_call(trained, others, x, training=True)
            loss, (trained, others, metrics) = model.stateless_compute_loss(trained, others, metrics, x, y, outputs)

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: arrays, or variables, in the order of the attributes of these names.
            x, y, y_pred, sample_weight, training: as in `compute_loss`. What layers add to the loss in a call is not known here: it is what
                `stateless_call(..., return_losses=True)` returns.

        Returns:
            (loss, (the values of the trainable, non-trainable and metrics variables after it)).

        Raises:
            ValueError: another number of values, or a value of another shape.
            RuntimeError: the model is not compiled.
        """
        self._objective_for(y, y_pred)
        values = {
            "trainable_variables": trainable_variables,
            "non_trainable_variables": non_trainable_variables,
            "metrics_variables": metrics_variables,
        }
        own = {name: getattr(self, name) for name in values}
        for name, given in values.items():
            if len(given) != len(own[name]):
                raise ValueError(
                    f"{self.name!r} has {len(own[name])} {name}; stateless_compute_loss was given {len(given)}."
                )
        pairs: list[Any] = [pair for name in values for pair in zip(own[name], values[name])]
        with StatelessScope(pairs) as scope:
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=training)
        after = ([scope.get_current_value(each) for each in own[name]] for name in values)
        return loss, tuple(after)

"""A model that is for inference only."""

from typing import Any

from phasewise.core.types import Nest
from phasewise.models.model import Model
from phasewise.switch import phase, statistics_policy


class InferenceModel(Model):
    """What `phasewise.fold` makes: a functional model that is always in inference, with its weights frozen.

    It predicts, and evaluates once it is compiled. `fit`, `train_on_batch` and a call in training are refused, and so are
    statistics other than the moving ones for a layer that was folded. Inside a model that is trained it stays in inference.

    Args:
        inputs, outputs, name: as for `Model`.
        folded: names of the layers that are no longer in it.
    """

    def __init__(self, inputs: Nest, outputs: Nest, *, folded: tuple[str, ...], name: str | None = None):
        super().__init__(inputs, outputs, name=name)
        self._folded = tuple(folded)
        self.trainable = False

    def _decide(self, own: bool | None = None) -> phase.Decision:
        """Inference.

        Raises:
            RuntimeError: the call was given `training=True`, or the learning phase is pinned to training.
        """
        decision = super()._decide(own)
        if decision.training and (decision.rule == 2 or phase.learning_phase()):
            raise RuntimeError(f"{self._told()}: it cannot be called in training ({decision.reason}).")
        return phase.Decision(phase.INFERENCE, 1, "folded")

    def call(self, inputs: Nest) -> Nest:
        """The outputs.

        Raises:
            ValueError: a statistics policy other than "moving" is in force for a folded layer.
        """
        for name in self._folded:
            policy = statistics_policy.policy_for(name)
            if policy != "moving":
                raise ValueError(
                    f"{self._told()}, with its moving statistics: {name!r} cannot normalize with statistics={str(policy)!r}. "
                    "Ask the model that it was folded from."
                )
        with phase.enclosing_call(False):
            return super().call(inputs)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Refused.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(
            f"{self._told()}: it cannot be fitted. Fit the model that it was folded from, then fold again."
        )

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Refused.

        Raises:
            RuntimeError: always.
        """
        return self.fit()

    def _told(self):
        return f"{self.name!r} is an inference-only copy, its batch normalization folded into weights"

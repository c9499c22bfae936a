"""train_on_batch, test_on_batch and predict_on_batch: one step over one batch."""

from collections.abc import Mapping, Sequence
from typing import Any

from phasewise.core.keywords import told
from phasewise.core.types import Nest
from phasewise.training import evaluating, fitting, predicting
from phasewise.training.one_batch import executor_of_one_batch
from phasewise.training.own_state import own_metrics
from phasewise.training.preparing import require_compiled
from phasewise.training.results import Results, returned


class OnBatch:
    """The methods of a model that take one batch."""

    @told
    def train_on_batch(
        self,
        x: Nest,
        y: Nest = None,
        sample_weight: Nest = None,
        class_weight: Mapping[Any, Any] | Sequence[Any] | None = None,
        return_dict: bool = False,
    ) -> Results:
        """One step on one batch. Returns its loss and metrics, as `evaluate` does."""
        require_compiled(self, "train_on_batch", optimizer=True)
        executor = executor_of_one_batch(self, "train_on_batch", x, y, sample_weight, class_weight)
        with own_metrics(self.objective):
            return returned(fitting.train_on_batch(self, executor), return_dict)

    @told
    def test_on_batch(self, x: Nest, y: Nest = None, sample_weight: Nest = None, return_dict: bool = False) -> Results:
        """Loss and metrics of one batch; nothing is learnt."""
        require_compiled(self, "test_on_batch")
        executor = executor_of_one_batch(self, "test_on_batch", x, y, sample_weight)
        with own_metrics(self.objective):
            return returned(evaluating.test_on_batch(self, executor), return_dict)

    @told
    def predict_on_batch(self, x: Nest) -> Nest:
        """The outputs for one batch, as NumPy arrays."""
        return predicting.predict_on_batch(self, x)

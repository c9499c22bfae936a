"""Evaluating with averaged weights while training goes on with the others."""

from phasewise.callbacks.callback import Callback, Logs


class SwapEMAWeights(Callback):
    """Puts the optimizer's averages of the weights in the weights' place before each evaluation, and takes them out after it.

    When `fit` ends the weights are the averages, as without this callback.

    Args:
        swap_on_epoch: also put them there at the end of each epoch and take them out when the next begins: what a checkpoint that stands
            behind this callback saves is then the averages. With an epoch that a callback makes the last one, too (in Keras only
            with the last of `epochs`).

    Raises:
        ValueError: when a run begins, the optimizer was not made with use_ema=True.
    """

    kept_in_backup = ("weights_aside",)

    def __init__(self, swap_on_epoch: bool = False):
        self.swap_on_epoch = swap_on_epoch
        self.weights_aside = None  # the trained weights, while the averages are in their place

    def _averaging(self):
        """The optimizers that keep averages.

        Raises:
            ValueError: there are none. Where a function chooses the optimizers, that is known once it was asked.
        """
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        several = getattr(optimizer, "optimizers", [optimizer])
        found = [each for each in several if getattr(each, "use_ema", False)]
        if several and not found:
            kinds = " or ".join(dict.fromkeys(f"{type(each).__name__}(..., use_ema=True)" for each in several))
            raise ValueError(f"SwapEMAWeights needs an optimizer that keeps averages: {kinds}.")
        return found

    def _pairs(self):
        """[(weight, its average)]; empty before the first step."""
        return [
            pair
            for optimizer in self._averaging()
            if optimizer.state is not None
            for pair in zip(optimizer._known, optimizer.state["ema"], strict=True)
        ]

    def _swap_in(self):
        pairs = self._pairs()
        if self.weights_aside is None and pairs:
            self.weights_aside = [weight.raw for weight, _ in pairs]
            for weight, average in pairs:
                weight.assign(average)

    def _swap_out(self):
        pairs = self._pairs()
        if self.weights_aside is not None and pairs:
            for (weight, _), value in zip(pairs, self.weights_aside, strict=True):
                weight.assign(value)
            self.weights_aside = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._averaging()
        self.weights_aside = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._swap_out()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._swap_in()

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._swap_in()

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._swap_out()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._swap_in()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._swap_out()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.weights_aside = None  # what is there now is the averages

"""What an adaptation can change in a model, as it was, to be put back to the bit."""

_OF_AVERAGES = ("_initial", "_known", "_updates", "_share", "_batch_rows", "_population", "lag_is_told")


class Snapshot:
    """The weights, statistics and optimizer of a built model. Arrays are held, not copied: assignments replace them.

    Args:
        model: built.
    """

    def __init__(self, model):
        self._model = model
        self._values = [(variable, variable._value) for variable in model._inventory().variables]
        averages = [average for layer in model._inventory().layers for average in layer._averages]
        self._averages = [(each, {name: getattr(each, name) for name in _OF_AVERAGES}) for each in averages]
        self._optimizer = model.optimizer
        self._kept = None if model.optimizer is None else model.optimizer.state
        self._steps = model.steps_trained

    @property
    def variables(self):
        """The variables."""
        return [variable for variable, _ in self._values]

    @property
    def values(self):
        """Their arrays."""
        return [value for _, value in self._values]

    def put_back(self):
        """Give the model what it had."""
        for variable, value in self._values:
            variable._value = value
        for average, kept in self._averages:
            vars(average).update(kept)
        if self._model.optimizer is self._optimizer and self._optimizer is not None:
            self._optimizer.state = self._kept
        self._model.steps_trained = self._steps

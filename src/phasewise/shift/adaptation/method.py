"""What a method of adaptation is."""

import inspect
from typing import Any

from phasewise.core.arguments import check_number
from phasewise.core.registry import did_you_mean


class Method:
    """One way to adapt a model. A new one is a subclass in a file of its own, listed in `adapting.METHODS`.

    Attributes:
        name: what users call it.
        needs_probabilities: whether it is for outputs that are probabilities.
        needs_data: whether `adapt` must be given the data that it adapts to, before anything is predicted.
        needs_averages: whether the model must have layers with moving statistics.
        normalizes_by_batch: whether rows are normalized with their batch while the method adapts. Over data that end the model is then given the statistics of
            all of them, for predictions that know no batch.
        only_smooths: whether the model stays as it is and predictions are only drawn to each other, so that fewer classes are a loss.
        options: what `adapt` takes for it, from the arguments of its `__init__`.
    """

    name = ""
    needs_probabilities = False
    needs_data = False
    needs_averages = True
    normalizes_by_batch = False
    only_smooths = False

    def begin(self, run: Any) -> None:
        """Before the first batch.

        Args:
            run: `phasewise.shift.adaptation.run.Run`: the model, its output, the data that `adapt` was given and how they are read.
        """

    def predict(self, x: Any) -> Any:
        """The outputs for one batch of host arrays, the model adapted to it where the method does that.

        The model's variables may be assigned; whoever calls this can put back what they were.
        """
        raise NotImplementedError(f"{type(self).__name__} must define predict.")

    @classmethod
    def made(cls, options: dict) -> "Method":
        """The method with these options.

        Raises:
            ValueError: an option that it has not; the message names the nearest.
        """
        known = list(inspect.signature(cls.__init__).parameters)[1:]
        for name in options:
            if name not in known:
                listed = f"It takes: {', '.join(known)}." if known else "It takes none."
                raise ValueError(
                    f"adapt's method {cls.name!r} has no option {name!r}. {listed}{did_you_mean(name, known)}"
                )
        return cls(**options)


def positive(method: str, name: str, value: Any) -> float:
    """`value` as a float.

    Raises:
        ValueError: it is no positive number.
    """
    if check_number(f"adapt's {method!r}", name, value, 0) == 0:
        raise ValueError(f"adapt's {method!r}: {name} must be above 0; got {value!r}.")
    return float(value)

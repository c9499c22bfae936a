"""make_train_function, make_test_function, make_predict_function: what scripts written for Keras call, which compiles by them."""

from collections.abc import Callable, Iterator
from typing import Any

from phasewise.core.types import Nest
from phasewise.training.step import unpack


class MadeFunctions:
    """The functions of single steps. Here programs are made where they are needed, and made anew where something they depend on has changed
    (`trainable`, the learning phase, what is compiled): nobody has to call these, and to call them does no harm.

    Where they differ from Keras: a subclass cannot define them anew, since a step is compiled together with the loop around it; it defines
    `train_step`, `test_step` and `predict_step`.
    """

    def make_train_function(self, force: bool = False) -> Callable[[Iterator[Any]], dict[str, float]]:
        """A function that makes one step of training with the next batch of an iterator, and returns the logs.

        Args:
            force: whether the model's compiled programs are dropped.
        """
        self._forget_programs(force)

        def train_function(batches: Iterator[Any]) -> dict[str, float]:
            x, y, sample_weight = unpack(next(batches))
            return self.train_on_batch(x, y, sample_weight, return_dict=True)

        return train_function

    def make_test_function(self, force: bool = False) -> Callable[[Iterator[Any]], dict[str, float]]:
        """A function that evaluates the next batch of an iterator, and returns the logs. `force` as in `make_train_function`."""
        self._forget_programs(force)

        def test_function(batches: Iterator[Any]) -> dict[str, float]:
            x, y, sample_weight = unpack(next(batches))
            return self.test_on_batch(x, y, sample_weight, return_dict=True)

        return test_function

    def make_predict_function(self, force: bool = False) -> Callable[[Iterator[Any]], Nest]:
        """A function that predicts the next batch of an iterator. `force` as in `make_train_function`."""
        self._forget_programs(force)

        def predict_function(batches: Iterator[Any]) -> Nest:
            return self.predict_on_batch(unpack(next(batches))[0])

        return predict_function

    def _forget_programs(self, force):
        if force:
            self.programs.clear()


def refuse_own_functions(cls: type) -> None:
    """Nothing, where a class leaves these methods as they are.

    Raises:
        TypeError: it defines one of them anew: nothing would call it.
    """
    for kind in ("train", "test", "predict"):
        name = f"make_{kind}_function"
        if getattr(cls, name) is not getattr(MadeFunctions, name):
            raise TypeError(
                f"{cls.__name__} defines {name}, which nothing here calls: a step is compiled together with the loop around it. Define "
                f"{kind}_step(self, data) instead."
            )

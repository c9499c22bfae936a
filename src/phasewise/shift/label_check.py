"""Do labels fit what a model gives? Asked of all of them, whichever are tried on later."""

import jax
import numpy as np

from phasewise.shift.predictions import output_of


class LabelCheck:
    """Holds labels against the outputs of a model, and against its loss and metrics where it is compiled.

    Args:
        model: built.
        labels: nest of objects with `shape` and `dtype`, those of a batch.
        shapes: nest of objects with `shape`, the outputs for it.

    Raises:
        ValueError: the shapes do not fit the loss.
    """

    def __init__(self, model, labels, shapes):
        self._shapes, self._objective, self.output = shapes, model.objective, output_of(model, shapes)
        if self._objective is not None:
            self._objective.hold(model._inventory().metrics)
            self._objective.build(labels, shapes, model._output_names)

    def look(self, labels, locate):
        """Look at the labels of some rows.

        Args:
            labels: nest of host arrays (rows, ...).
            locate: names a row by its number among these.

        Raises:
            ValueError: one is no class of the output, or none that the loss or a metric takes; or there are more or fewer than predictions.
        """
        if self._objective is not None:
            self._objective.check_labels(labels, self._shapes, locate, "audit")
        if self.output.kind != "numbers":
            self._check_classes(np.asarray(self.label_of(labels)), locate)

    def label_of(self, labels):
        """The labels of the output that is looked at."""
        leaves = jax.tree.leaves(labels)
        return leaves[min(self.output.place, len(leaves) - 1)]

    def _check_classes(self, labels, locate):
        of_row = jax.tree.leaves(self._shapes)[self.output.place].shape[1:]
        has_classes = self.output.kind == "classes"
        cases = int(np.prod(of_row[:-1] if has_classes else of_row))
        if has_classes and labels.size == len(labels) * int(np.prod(of_row)):
            return
        if labels.size != len(labels) * cases:
            raise ValueError(
                f"The labels have the shape {labels.shape}, but the model's output is {(len(labels), *of_row)}: give a class for each "
                f"prediction{', or a probability for each class' if has_classes else ''}."
            )
        classes, count = np.rint(labels.reshape(-1)), of_row[-1] if has_classes else 2
        strange = ~((classes >= 0) & (classes < count))
        if strange.any():
            place = int(np.argmax(strange))
            raise ValueError(
                f"The label of {locate(place // cases)} (the first is 0) is {labels.reshape(-1)[place]}, but the classes that the "
                f"model tells apart are 0 to {count - 1}."
            )

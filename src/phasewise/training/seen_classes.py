"""Classes that occur in evaluation and that training never saw."""

import numpy as np

from phasewise.core.warning import UnseenClassWarning, warn
from phasewise.losses import SparseCategoricalCrossentropy
from phasewise.training.labels import BINARY, ONE_HOT


class SeenClasses:
    """Which classes of each output the labels of training held so far."""

    def __init__(self):
        self._seen, self._told = {}, set()

    def look(self, task, names, losses, pairs):
        """Note the classes of what is trained on, and warn, once for each class, of others in what is evaluated.

        Args:
            task: "fit", "evaluate" or another, for which nothing is done.
            names: of the outputs.
            losses: a `Loss` or None for each.
            pairs: (host array of labels, object with the output's shape) for each.
        """
        if task not in ("fit", "evaluate") or (task == "evaluate" and not self._seen):
            return
        for name, loss, (true, pred) in zip(names, losses, pairs):
            present = None if true is None else _present(loss, np.asarray(true), pred.shape[-1] if pred.shape else 1)
            if present is None:
                continue
            if task == "fit":
                self._seen[name] = present | self._seen.get(name, False)
            elif name in self._seen:
                self._tell(name, np.flatnonzero(present & ~self._seen[name]).tolist())

    def _tell(self, output, classes):
        new = [each for each in classes if (output, each) not in self._told]
        self._told.update((output, each) for each in new)
        if new:
            one = len(new) == 1
            numbers = ", ".join(map(str, new[:5])) + (f" and {len(new) - 5} more" if len(new) > 5 else "")
            warn(
                f"Class{'' if one else 'es'} {numbers} of output {output!r} occur{'s' if one else ''} in the data that are evaluated, "
                f"and training never saw {'it' if one else 'them'}. Are the rows sorted? validation_split takes the last ones: shuffle "
                "before, or split so that each part holds every class.",
                UnseenClassWarning,
            )


def _present(loss, true, units):
    """Whether each class occurs, as a boolean array; None where the loss has no classes."""
    if isinstance(loss, SparseCategoricalCrossentropy):
        labels = true.ravel()
        present = np.zeros(units, bool)
        present[labels[(labels >= 0) & (labels < units)].astype(int)] = True
        return present
    if isinstance(loss, BINARY) and units == 1:
        return np.array([(true < 0.5).any(), (true > 0.5).any()])
    if isinstance(loss, ONE_HOT) and true.shape[-1:] == (units,):
        return (true > 0).reshape(-1, units).any(0)
    return None

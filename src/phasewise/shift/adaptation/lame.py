"""LAME: the model stays as it is; predictions of a batch are made to agree with those of rows nearby."""

from typing import Any

import jax
import numpy as np

from phasewise.core import variable
from phasewise.core.arguments import check_count, check_flag
from phasewise.core.compiler import compiled
from phasewise.core.variable import values_of
from phasewise.shift.adaptation.method import Method
from phasewise.switch import phase, tap


class Lame(Method):
    """Boudiaf et al. (2022), "Parameter-free online test-time adaptation", equations 5 to 8 and algorithm 1.

    For the rows of a batch with predictions q: z_i is proportional to q_i exp(sum_j w_ij z_j), again and again until the bound
    sum_i z_i (log z_i - log q_i) - sum_ij w_ij z_i z_j no longer falls. w_ij is 1 where j is among the k rows nearest to i in what arrives at
    the last layer with a kernel, each row scaled to length 1; else 0. For streams whose classes come in runs, where batch statistics do harm.

    Where classes are mixed and a batch has fewer than k rows of each, the nearest are of other classes, and LAME does harm: `adapt` looks whether
    batches run to fewer classes than they had, though they do not come in runs, and takes that for a collapse. With `mutual`, j must be among the k
    nearest to i and i among those to j, so that a few rows near to many others draw these less. Error over 15 corruptions of digits, in runs
    (moving statistics 59.5 %): 51.4 %, mutual 55.3 %; in batches of 200 in any order, unwatched, 63.5 % and 60.8 %; of 32, 71.9 % and 64.3 %.

    Args:
        k: positive int, how many neighbours; the paper's 5.
        iterations: positive int, at most so many.
        mutual: whether neighbours must be each other's; the paper's False.
    """

    name = "lame"
    needs_probabilities = True
    needs_averages = False
    only_smooths = True

    def __init__(self, k: int = 5, iterations: int = 100, mutual: bool = False):
        self.mutual = check_flag("adapt", "mutual", mutual)
        self.k, self.iterations = check_count("adapt", "k", k), check_count("adapt", "iterations", iterations)

    def begin(self, run: Any) -> None:
        """Nothing of the model changes."""
        self._run = run
        self._variables = run.model._inventory().variables
        self._features = compiled(self._traced, self._variables)

    def predict(self, x: Any) -> Any:
        """The outputs, in the place of one of them the probabilities that were found."""
        run = self._run
        rows = len(jax.tree.leaves(x)[0])
        outputs = run.model.predict(x, statistics="moving", verbose=0)
        p = run.output.probabilities(outputs)
        if run.output.kind == "labels" or len(p) != rows:
            raise ValueError(
                f"adapt's method 'lame' takes one class a row; the output of {run.model.name!r} has {len(p) // rows} predictions a row."
            )
        features = np.asarray(self._features(values_of(self._variables), x), np.float64).reshape(rows, -1)
        z = agreed(p, neighbours(features, self.k, self.mutual), self.iterations)
        leaves, tree = jax.tree.flatten(outputs)
        shape, dtype = leaves[run.output.place].shape, leaves[run.output.place].dtype
        if run.output.from_logits:
            values = np.log(np.maximum(z, 1e-30)) if run.output.kind == "classes" else _logit(z)
        else:
            values = z if run.output.kind == "classes" else z[:, 1]
        leaves[run.output.place] = values.reshape(shape).astype(dtype)
        return tree.unflatten(leaves)

    def _traced(self, values, x):
        """What arrives at the last layer with a kernel; where there is none, the outputs."""
        seen = []

        def look(layer, args, outputs):
            if getattr(layer, "kernel", None) is not None and args:
                seen.append(args[0])
            return outputs

        with (
            variable.scope(self._variables, values),
            phase.learning_phase_scope("inference"),
            phase.task("predict"),
            tap.tapped(look),
        ):
            outputs = self._run.model(x)
        return seen[-1] if seen else jax.tree.leaves(outputs)[self._run.output.place]


def neighbours(features, k, mutual):
    """(rows, rows) of 0 and 1: row i has 1 at its k nearest others, of features scaled to length 1; if `mutual` at those that it is nearest to."""
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    near = unit @ unit.T
    np.fill_diagonal(near, -np.inf)
    k = min(k, len(near) - 1)
    chosen = np.argsort(-near, axis=1, kind="stable")[:, :k]
    found = np.zeros(near.shape)
    np.put_along_axis(found, chosen, 1, axis=1)
    return found * found.T if mutual else found


def agreed(q, near, iterations):
    """(rows, classes): the z that the iteration of `Lame` ends at."""
    logq = np.log(q + 1e-10)
    z, last = q, np.inf
    for number in range(iterations):
        pull = near @ z
        scores = logq + pull
        z = np.exp(scores - scores.max(1, keepdims=True))
        z /= z.sum(1, keepdims=True)
        bound = (z * (np.log(np.maximum(z, 1e-20)) - logq - pull)).sum()
        if number > 1 and abs(bound - last) <= 1e-8 * abs(last):
            break
        last = bound
    return z


def _logit(z):
    return np.log(np.maximum(z[:, 1], 1e-30)) - np.log(np.maximum(z[:, 0], 1e-30))

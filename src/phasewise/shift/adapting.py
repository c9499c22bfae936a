"""adapt: fit a model to data that have shifted, in a way that can be undone."""

import importlib
from typing import Any

import jax
import numpy as np

from phasewise.core.registry import did_you_mean
from phasewise.core.warning import CollapseWarning, warn
from phasewise.data import make_executor
from phasewise.data.adapters import is_arrays
from phasewise.data.checks import first_nonfinite
from phasewise.models.model import Model
from phasewise.shift.adaptation.method import Method
from phasewise.shift.adaptation.run import Run
from phasewise.shift.collapse import CollapseWatch
from phasewise.shift.gathering import require_averages
from phasewise.shift.predictions import output_of
from phasewise.shift.recalibrate import recalibrate
from phasewise.shift.snapshot import Snapshot
from phasewise.switch.statistics_policy import Blend, resolve
from phasewise.training.host_layers import plan_for
from phasewise.training.preparing import batch_spec, prepare, require_steps
from phasewise.training.step import unpack

METHODS = {
    "adabn": "adabn.AdaBN",
    "blend": "blending.Blending",
    "ema": "ema.RunningAverage",
    "tent": "tent.Tent",
    "eata": "eata.Eata",
    "sar": "sar.Sar",
    "note": "note.Note",
    "lame": "lame.Lame",
}
"""The file and the class of each method; imported where it is asked for, since optax takes a while."""


def adapt(
    model: Model,
    data: Any = None,
    method: str | Blend | Method = "adabn",
    *,
    batch_size: int | None = None,
    steps: int | None = None,
    verbose: int | str = 0,
    watch: bool = True,
    **options: Any,
) -> "Adaptation":
    """Adapt a model to data without labels. `Adaptation.restore()` undoes all of it, to the bit; leaving a `with` block does too.

    Methods, each described with its formula and its paper in its class in `phasewise.shift.adaptation`:

    - "adabn": the exact statistics of the data (Li et al. 2016);
    - "blend", or `phasewise.blend(n)`: statistics of training and of the data mixed (Schneider et al. 2020); option n;
    - "ema": a running average over a stream; option momentum;
    - "tent": a step a batch towards predictions of less entropy, over gamma and beta (Wang et al. 2021); options optimizer, learning_rate,
      steps, episodic;
    - "eata": the same over rows that are sure and unlike the others, source weights held where they matter (Niu et al. 2022); options
      source (needed), margin, distance, fisher_weight, optimizer, learning_rate;
    - "sar": over reliable rows, where the entropy is flat, with recovery; layer and group normalization too (Niu et al. 2023); options margin, rho,
      recover_below, optimizer, learning_rate;
    - "note": each row normalized by itself where it differs by more than chance, steps over a memory with as many rows of each class, for streams
      whose classes come in runs (Gong et al. 2022); options k, memory, momentum, optimizer, learning_rate, seed;
    - "lame": the model stays as it is, and predictions are made to agree with those of rows nearby (Boudiaf et al. 2022); options k, iterations, mutual.

    Args:
        model: a model with batch normalization; for "sar" any normalization, for "lame" none is needed.
        data: what `predict` takes; labels are not looked at. "adabn" needs them. Methods for streams go over them once, batch by batch, and need none.
            "tent", "eata" and "sar", which normalize with the batch meanwhile, leave the model with the exact statistics of all of them, found
            last, under the gamma and beta that they came to: what Wang et al. (2021), section 3.3, call offline, the model first updated, then
            asked. `model.predict` knows no batch then, as after "adabn". The paper infers with the batch again; beside the statistics of all
            rows those of 32, 64 and 200 cost 1.2, 0.6 and 0.1 points of error on digits with 15 corruptions.
        method: a name, `phasewise.blend(n)`, or a `Method`.
        batch_size: rows in a batch, 32 by default; only with arrays.
        steps: how many batches to take; needed for an endless plan.
        verbose: as in `predict`.
        watch: whether to look for collapse. Where predictions run to one class, or tell rows apart much less than those with
            moving statistics, or by "lame" run to fewer classes, the model is restored, a `CollapseWarning` says why, and predictions go on with moving statistics.
        options: the method's own.

    Returns:
        `Adaptation`.

    Raises:
        TypeError: `model` is no model.
        ValueError: an unknown method or option; no normalization that the method could adapt, or only frozen ones; a method that needs
            probabilities on outputs that are none; data that do not fit, or hold NaN. The model is as it was.

    Example:
        >>> with phasewise.adapt(model, photos, "tent"):  # photos that are all there
        ...     predictions = model.predict(photos)
        >>> with phasewise.adapt(model, None, "tent") as adaptation:  # that come one batch after the other
        ...     for batch in stream:
        ...         predictions = adaptation.predict(batch)
    """
    if not hasattr(model, "predict"):
        raise TypeError(f"adapt takes a model; got {model!r}.")
    made = _method(method, options)
    if made.needs_data and data is None:
        raise ValueError(
            f"adapt's method {made.name!r} needs the data that it adapts to: adapt(model, data, {made.name!r})."
        )
    reading = {"batch_size": batch_size, "steps": steps, "verbose": verbose}
    if data is not None and not made.needs_data and not is_arrays(data, role="predict"):
        reading["batch_size"] = None
    output = _output(model, data, reading, made)
    if made.needs_probabilities and output.kind == "numbers":
        raise ValueError(
            f"adapt's method {made.name!r} needs predictions that are probabilities, and the output of {model.name!r} is numbers (it ends in "
            "no softmax or sigmoid, and no loss with from_logits=True says that it is logits). 'adabn', 'ema' and 'blend' adapt any output."
        )
    adaptation = Adaptation(Run(model, output, data, reading), made, watch)
    adaptation._begin()
    return adaptation


def _method(method, options):
    if isinstance(method, Method):
        if options:
            raise ValueError(
                f"adapt got the options {', '.join(options)} beside a method that is already made; give them to it."
            )
        return method
    if isinstance(method, str) and method.startswith("blend("):
        method = resolve(method)
    if isinstance(method, Blend):
        return _class("blend").made({"n": method.n, **options})
    if method not in METHODS:
        raise ValueError(
            f"adapt has no method {method!r}. Its methods: {', '.join(METHODS)}.{did_you_mean(method, list(METHODS))}"
        )
    return _class(method).made(options)


def _class(name):
    file, kind = METHODS[name].split(".")
    return getattr(importlib.import_module(f"phasewise.shift.adaptation.{file}"), kind)


def _output(model, data, reading, method):
    """The `Output` of the model, which is built for the data where there are some."""
    if data is not None:
        executor = make_executor(plan_for(model, data, batch_size=reading["batch_size"], role="adapt"), most=1)
        try:
            require_steps(executor, reading["steps"], "steps")
            spec = unpack(batch_spec(executor, executor.batch_rows))[0]
        finally:
            executor.close(0)
    elif getattr(model, "_input_tensors", None):
        spec = [jax.ShapeDtypeStruct((8, *t.shape[1:]), t.dtype) for t in model._input_tensors]
        spec = spec[0] if len(spec) == 1 else spec
    else:
        raise ValueError(
            f"adapt needs data, or a batch of them, to know the shapes of {model.name!r}: its inputs are not known."
        )
    calls, outputs = prepare(model, (spec,), "predict")
    if method.needs_averages:
        require_averages(model, calls)
    return output_of(model, outputs)


class Adaptation:
    """A model that is adapted. Made by `adapt`.

    Attributes:
        model: the model.
        method: the `Method`.
        batches: how many batches were predicted.
        collapsed: why it was taken back, in words; None where it was not.
    """

    def __init__(self, run: Run, method: Method, watch: bool):
        self.model, self.method, self.batches, self.collapsed = run.model, method, 0, None
        self._run, self._snapshot, self._is_over = run, Snapshot(run.model), False
        self._watch = CollapseWatch(run.model, run.output, self._snapshot, method.only_smooths) if watch else None

    def _begin(self):
        try:
            self.method.begin(self._run)
            if self._run.data is not None:
                self._first_look() if self.method.needs_data or self.method.name == "blend" else self._go_over()
        except BaseException:
            self._snapshot.put_back()
            raise

    def _go_over(self):
        for batch in self._run.batches_of(self._run.data):
            self._one(batch)
        if self.method.normalizes_by_batch and self.collapsed is None:
            self._settle()

    def _settle(self):
        """The statistics of all the data, to predict with the gamma and beta that were found with those of batches."""
        if any(layer._averages and layer.trainable for layer in self.model._inventory().layers):
            recalibrate(self.model, self._run.data, **self._run.reading)
            self._first_look()

    def _first_look(self):
        """Look at what the statistics of all the data made of a first part of them, where these can be read again."""
        if self._watch is None or not is_arrays(self._run.data, role="predict"):
            return
        x = jax.tree.map(lambda a: np.asarray(a)[:256], self._run.data)
        self._judge(x, self.model.predict(x, verbose=0), at_once=True)

    def predict(self, x: Any, batch_size: int | None = None) -> Any:
        """The outputs, as NumPy arrays; the model goes on adapting where the method does.

        Args:
            x: one batch of arrays; or a `Dataset` or another source of batches, which are taken one after the other.
            batch_size: cuts arrays into batches; left out, they are one.

        Raises:
            ValueError: data that do not fit, or hold NaN; the model is as it was before the batch.
        """
        if self._is_over:
            raise ValueError("This adaptation was undone: call adapt again to have another.")
        if is_arrays(x, role="predict"):
            rows = len(jax.tree.leaves(x)[0]) if batch_size is None else batch_size
            parts = [self._one(batch) for batch in self._run.batches_of(x, rows)]
        else:
            parts = [self._one(batch) for batch in self._run.batches_of(x)]
        return jax.tree.map(lambda *each: np.concatenate(each), *parts)

    def _one(self, x):
        place = first_nonfinite(x, f"Batch {self.batches}")
        if place is not None:
            raise ValueError(f"{place}. adapt needs finite numbers: clean the data, or leave those rows out.")
        if self.collapsed is not None:
            return self.model.predict(x, statistics="moving", verbose=0)
        before = Snapshot(self.model)
        try:
            outputs = self.method.predict(x)
        except BaseException:
            before.put_back()
            raise
        self.batches += 1
        return self._judge(x, outputs)

    def _judge(self, x, outputs, at_once=False):
        """The outputs; those of the model as it was where the adaptation is found to have collapsed, and is taken back."""
        wrong = None if self._watch is None else self._watch.look(x, outputs, at_once)
        if wrong is None:
            return outputs
        self._snapshot.put_back()
        self.collapsed = wrong
        warn(
            f"The adaptation of {self.model.name!r} by {self.method.name!r} has collapsed after {self.batches} batches: {wrong}. The model is "
            "as it was before, and predictions go on with moving statistics. Batches may have been too small, or of too few classes.",
            CollapseWarning,
        )
        return self.model.predict(x, statistics="moving", verbose=0)

    def restore(self) -> None:
        """Give the model every weight, statistic and the optimizer as they were, to the bit."""
        if self._snapshot is None:
            raise ValueError("This adaptation was kept: what the model was before is no longer known.")
        self._snapshot.put_back()
        self._is_over = True

    def keep(self) -> Model:
        """Keep the model as it is now, at the end of a `with` block too; what it was before is let go of. Returns the model.

        A model that "tent", "eata" or "sar" adapted to a stream alone, by `predict`, has the moving statistics of training still, which its gamma and
        beta do not go with: predict(x, statistics="batch"), or `recalibrate` over rows like those of the stream.
        """
        self._snapshot = self._watch = None
        return self.model

    def __enter__(self) -> "Adaptation":
        return self

    def __exit__(self, *error: object) -> None:
        if self._snapshot is not None:
            self.restore()

    def __repr__(self):
        state = (
            "kept"
            if self._snapshot is None
            else f"collapsed: {self.collapsed}"
            if self.collapsed
            else "can be restored"
        )
        return f"<Adaptation of {self.model.name!r} by {self.method.name!r}, {self.batches} batches, {state}>"

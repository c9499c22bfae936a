"""Backup of a run, and the run that goes on from one: everything that the steps to come depend on."""

import random as python_random

import jax
import numpy as np

from phasewise.callbacks.backup_and_restore import BackupAndRestore
from phasewise.core import random
from phasewise.training.callback_states import put_back_states, states_of
from phasewise.training.course import course_of, put_back_course


def backup_of(callbacks):
    """The `BackupAndRestore` among the callbacks, or None.

    Raises:
        ValueError: there are several.
    """
    found = [callback for callback in callbacks if isinstance(callback, BackupAndRestore)]
    if len(found) > 1:
        raise ValueError(f"A run has one BackupAndRestore; got {len(found)}.")
    return found[0] if found else None


class Backup:
    """What writes the backups of a run.

    Args:
        callback: the `BackupAndRestore`.
        run: a `Run`.
        validation: the `Validation`, or None.
    """

    def __init__(self, callback, run, validation):
        self._callback, self._run, self._validation = callback, run, validation
        self._every = None if callback.save_freq == "epoch" else callback.save_freq
        self.since, self._is_due = 0, False

    def due_in(self):
        """How many steps may follow before the next backup."""
        return max(1, self._every - self.since) if self._every else 1 << 30

    def chunk_done(self, steps):
        """So many steps more were made. A backup that is due waits for the next step, or for the end of the epoch: a run that goes
        on within an epoch has a step of it to make."""
        self.since += steps
        if self._every is not None and self.since >= self._every:
            self.since, self._is_due = 0, True

    def next_chunk(self, epoch, seen):
        """A further step of this epoch comes, of which `seen` are made."""
        if self._is_due:
            self._write(epoch, seen, {})

    def epoch_done(self, epoch, logs):
        """This epoch has ended, and every callback knows it."""
        if self._every is None or self._is_due:
            self._write(epoch + 1, 0, logs)

    def _write(self, epoch, steps, logs):
        self._is_due = False
        run = self._run
        validation = self._validation
        self._callback.write(
            {
                "epoch": epoch,
                "steps": steps,
                "since": self.since,
                "stopped": bool(run.model.stop_training),
                "logs": dict(logs),
                "model": model_state(run.model, run.followed_variables()),
                "data": run.executor.passes.position(run.steps_of_pass, run.steps),
                "validation": validation and validation.executor.passes.position(0, validation.used),
                "callbacks": states_of(run.callbacks),
            }
        )


class Resuming:
    """A run that goes on.

    Args:
        found: what `BackupAndRestore.read` gave.
        run: a `Run`, to which it is given.

    Attributes:
        epoch, steps: where it goes on; `steps` of the epoch are made.
        logs: of the last epoch that ended.
        stopped: whether a callback had ended the training.
    """

    def __init__(self, found, run):
        self.epoch, self.steps, self.logs = found["epoch"], found["steps"], found["logs"]
        self.stopped, self._found, self._run = found["stopped"], found, run
        run.resuming = self

    def put_back_states(self):
        """Bring the callbacks to where they were."""
        put_back_states(self._run.callbacks, self._found["callbacks"])

    def begin(self, validation, *, anew):
        """Bring callbacks and data to where they were. `anew`: each epoch begins a new pass over the data."""
        self.put_back_states()
        self._run.backup.since = self._found["since"]
        self._run.go_to(self._found["data"], anew=anew and self.steps == 0)
        if validation is not None and self._found["validation"] is not None:
            validation.used += validation.executor.go_to(self._found["validation"], anew=True)

    def into(self, cells):
        """Bring the model to where it was; it is built and compiled by now."""
        put_back_model(self._run.model, self._found["model"], cells.followed.variables, is_within_epoch=self.steps > 0)
        for callback in self._run.callbacks:
            callback.model_put_back()


def model_state(model, followed):
    """Everything of a compiled and trained model that a step reads, as a nest for `saving.record`."""
    inventory = model._inventory()
    return {
        "paths": [v.path for v in inventory.variables],
        "variables": [v.numpy() for v in inventory.variables],
        "followed": [np.asarray(v.raw) for v in followed],
        "optimizer": _optimizer_state(model.optimizer, inventory.variables),
        "metrics": [v.numpy() for v in model.objective.variables],
        **course_of(model),
        "process": _process_state(),
    }


def put_back_model(model, state, followed, *, is_within_epoch):
    """Give a model what `model_state` gave of one like it.

    Raises:
        ValueError: it is another one.
    """
    inventory, optimizer = model._inventory(), model.optimizer
    _check_same(
        "weight", [v.path for v in inventory.variables], inventory.variables, state["variables"], state["paths"]
    )
    leaves, tree = jax.tree.flatten(optimizer.state)
    saved = state["optimizer"]
    if saved["class"] != type(optimizer).__name__:
        raise _another_run(
            f"its optimizer is {saved['class']}, and the model is compiled with {type(optimizer).__name__}"
        )
    names = [f"{type(optimizer).__name__}'s state, part {i}" for i in range(len(leaves))]
    _check_same("part of the optimizer", names, leaves, saved["leaves"])
    metrics = model.objective.variables
    if is_within_epoch:
        _check_same("metric", [v.path for v in metrics], metrics, state["metrics"])
    for variable, value in zip(inventory.variables, state["variables"]):
        variable._value = value
    for variable, value in zip(followed, state["followed"], strict=False):
        variable._value = value
    optimizer.state = jax.tree.unflatten(tree, saved["leaves"])
    optimizer_resting(optimizer, inventory.variables, saved["resting"])
    if is_within_epoch:
        for variable, value in zip(metrics, state["metrics"]):
            variable._value = value
    put_back_course(model, state)
    _put_back_process(state["process"])


def _optimizer_state(optimizer, variables):
    places = {id(v): place for place, v in enumerate(variables)}
    resting = {str(places[key]): part for key, (_, part) in optimizer._resting.items() if key in places}
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(optimizer.state)]
    return {"class": type(optimizer).__name__, "leaves": leaves, "resting": resting}


def optimizer_resting(optimizer, variables, resting):
    """What is kept for weights that are frozen at present."""
    if resting:
        optimizer._resting = {id(variables[int(i)]): (variables[int(i)], part) for i, part in resting.items()}


def _check_same(kind, names, ours, theirs, their_names=None):
    if len(ours) != len(theirs):
        raise _another_run(f"it has {len(theirs)} {kind}s, and there are {len(ours)} here")
    for place, (name, own, saved) in enumerate(zip(names, ours, theirs)):
        if tuple(np.shape(own)) != saved.shape:
            theirs_is = f"{their_names[place]!r} there" if their_names else "it"
            raise _another_run(
                f"{kind} {name!r} has shape {tuple(np.shape(own))} here, and {theirs_is} has {saved.shape}"
            )


def _another_run(what):
    return ValueError(
        f"The backup is that of another run: {what}. Give BackupAndRestore a folder of its own for each run, or delete this one to begin "
        "anew."
    )


def _process_state():
    kind, keys, *rest = np.random.get_state()
    version, words, gauss = python_random.getstate()
    own = {name: random._process[name] for name in ("seed", "draws", "models")}
    return {"phasewise": own, "numpy": [kind, keys, *rest], "python": [version, np.array(words, np.uint64), gauss]}


def _put_back_process(state):
    random._process.update(state["phasewise"])
    np.random.set_state(tuple(state["numpy"]))
    version, words, gauss = state["python"]
    python_random.setstate((version, tuple(int(word) for word in words), gauss))

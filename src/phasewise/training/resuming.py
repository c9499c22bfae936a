"""Backup of a run, and the run that goes on from one: everything that the steps to come depend on."""

import random as python_random

import numpy as np

from phasewise.callbacks.backup_and_restore import BackupAndRestore
from phasewise.core import random, structure
from phasewise.training.backup_of_optimizer import another_run, check_same, optimizer_state, put_back_optimizer
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
                "model": model_state(run.model, run.followed_variables(), run.optimizers),
                "data": run.executor.passes.position(run.steps_of_pass, run.steps),
                "validation": validation and validation.executor.passes.position(0, validation.used),
                "callbacks": states_of(run.callbacks),
            }
        )


class Resuming:
    """A run that goes on.

    Args:
        found: what `BackupAndRestore.read` gave.
        run: a `Run`.

    Attributes:
        epoch, steps: where it goes on; `steps` of the epoch are made.
        logs: of the last epoch that ended.
        stopped: whether a callback had ended the training.
    """

    def __init__(self, found, run):
        self.epoch, self.steps, self.logs = found["epoch"], found["steps"], found["logs"]
        self.stopped, self._found, self._run = found["stopped"], found, run

    def put_back_states(self):
        """Bring the callbacks to where they were."""
        put_back_states(self._run.callbacks, self._found["callbacks"])

    def begin(self, validation, *, anew):
        """Bring the data to where they were. `anew`: each epoch begins a new pass over the data."""
        self._run.backup.since = self._found["since"]
        self._run.go_to(self._found["data"], anew=anew and self.steps == 0)
        if validation is not None and self._found["validation"] is not None:
            validation.used += validation.executor.go_to(self._found["validation"], anew=True)

    def put_back(self, cells):
        """Bring model and callbacks to where they were; the model is built, and what its steps follow is known."""
        self.put_back_states()
        put_back_model(self._run.model, self._found["model"], cells, is_within_epoch=self.steps > 0)


def model_state(model, followed, optimizers):
    """Everything of a compiled and trained model that a step reads, as a nest for `saving.record`."""
    inventory = model._inventory()
    places = {id(v): place for place, v in enumerate(inventory.variables)}
    return {
        "paths": [v.path for v in inventory.variables],
        "variables": [np.asarray(v) for v in inventory.variables],
        "followed": [np.asarray(v.raw) for v in followed],
        "frozen": [
            [not layer._own_trainable for layer in inventory.layers],
            [not v.trainable for v in inventory.variables],
        ],
        "optimizers": [optimizer_state(each, places) for each in optimizers],
        "metrics": [np.asarray(v) for v in model.objective.variables],
        **course_of(model),
        "process": _process_state(),
    }


def put_back_model(model, state, cells, *, is_within_epoch):
    """Give a model what `model_state` gave of one like it.

    Raises:
        ValueError: it is another one.
    """
    inventory, followed = model._inventory(), cells.followed.variables
    check_same("weight", [v.path for v in inventory.variables], inventory.variables, state["variables"], state["paths"])
    metrics = model.objective.variables
    if is_within_epoch:
        check_same("metric", [v.path for v in metrics], metrics, state["metrics"])
    check_same("variable beside the model's", [v.path for v in followed], followed, state["followed"])
    if len(state["optimizers"]) != len(cells.optimizers):
        raise another_run(
            f"its steps apply {len(state['optimizers'])} optimizers, and here it is {len(cells.optimizers)}"
        )
    for optimizer, kept in zip(cells.optimizers, state["optimizers"]):
        put_back_optimizer(optimizer, kept, inventory.variables)
    for variable, value in zip([*inventory.variables, *followed], [*state["variables"], *state["followed"]]):
        variable._value = value
    _freeze(inventory, *state["frozen"])
    if is_within_epoch:
        for variable, value in zip(metrics, state["metrics"]):
            variable._value = value
    put_back_course(model, state)
    _put_back_process(state["process"])


def _freeze(inventory, layers, variables):
    """Freeze what was frozen, and nothing else."""
    for layer, is_frozen in zip(inventory.layers, layers, strict=True):
        layer._own_trainable = not is_frozen
    for variable, is_frozen in zip(inventory.variables, variables, strict=True):
        variable._trainable = not is_frozen
    structure.changed()


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

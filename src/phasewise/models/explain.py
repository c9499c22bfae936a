"""explain: what each layer that depends on the phase does in fit, evaluate and predict, and why.

The rows are observed: the model is traced as each task would trace it, and every call reports its own decision.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from phasewise.layer.layer import depends_on_phase
from phasewise.models.summary import names_on_host
from phasewise.models.table import render
from phasewise.switch.statistics_policy import ByLayer, Policy
from phasewise.training import custom_step
from phasewise.training.customised import is_customised
from phasewise.training.programs import trace_calls, under

TASKS = ("fit", "evaluate", "predict")


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """What one call of a layer does in one task: its phase, the statistics it uses (or None), rule and reason.

    Phase and rule are None where the task does not call the layer.
    """

    phase: str | None
    action: str
    statistics: str | None
    rule: int | None
    reason: str


@dataclasses.dataclass(frozen=True)
class Row:
    """One layer: its name, class, and a `Behaviour` for each of fit, evaluate and predict."""

    layer: str
    kind: str
    fit: Behaviour
    evaluate: Behaviour
    predict: Behaviour


class Explanation(list):
    """A list of `Row`s; `explanation["bn"]` finds a row by the layer's name; `str()` gives the table.

    Attributes:
        title: its heading.
        on_host: the names of the layers that run on the host, before the compiled program, alike in every task.
    """

    def __init__(self, rows: Iterable[Row], title: str, on_host: Sequence[str] = ()):
        super().__init__(rows)
        self.title, self.on_host = title, on_host

    def __getitem__(self, key: str | int | slice) -> Row | list[Row]:
        if isinstance(key, str):
            for row in self:
                if row.layer == key:
                    return row
            raise KeyError(f"No row for a layer called {key!r}; there are rows for {[row.layer for row in self]}.")
        return super().__getitem__(key)

    def to_dict(self) -> list[dict[str, Any]]:
        """The rows as nested dicts and lists, ready for JSON."""
        return [dataclasses.asdict(row) for row in self]

    def __str__(self):
        return _table(self)

    def __repr__(self):
        return f"<Explanation of {len(self)} calls: print() shows the table>"  # explain has printed it already


def explain(
    model: Any,
    statistics: Policy | ByLayer | dict[str, Any] | None = None,
    print_fn: Callable[[str], Any] | bool | None = None,
) -> Explanation:
    """The `Explanation` of `model`; printed, or given to `print_fn`; see `Model.explain`."""
    if model.can_be_called:
        model._ensure_traced(model._example_spec())
    with under(model, statistics):
        observed = {task: _calls_of(model, task) for task in TASKS}
    rows = []
    for (layer, number), calls in _aligned(observed).items():
        name = layer.name if number == 1 else f"{layer.name} (call {number})"
        rows.append(Row(name, type(layer).__name__, *(_behaviour(calls, task) for task in TASKS)))
    explanation = Explanation(rows, f'What the switch does in "{model.name}"', names_on_host(model))
    if print_fn is not False:
        (print_fn or print)(str(explanation))
    return explanation


def _calls_of(model, task):
    """The calls that `task` makes: of a step of a user's own those that it has made of the data that it was given last."""
    spec = model._step_specs.get(task)
    if spec is not None and is_customised(model, task):
        return custom_step.find(model, task, spec).calls
    asked = "predict" if task == "evaluate" else task  # no rule tells the two apart
    return trace_calls(model, model._example_spec(), asked)[0] if model.can_be_called else ()


def _aligned(observed):
    """(layer, number of its call) -> dict task -> call, for the layers that depend on the phase.

    A call that only some tasks make, as where a block asks `if training`, is missing in the others.
    """
    found = {}
    for task, calls in observed.items():
        counts = {}
        for call in calls:
            if depends_on_phase(call.layer):
                number = counts[call.layer] = counts.get(call.layer, 0) + 1
                found.setdefault((call.layer, number), {})[task] = call
    return found


def _behaviour(calls, task):
    if task not in calls:
        return Behaviour(None, "not called", None, None, "the layer around it leaves it out")
    call = calls[task]
    decision = _origin(call, len({c.decision.phase for c in calls.values()}) > 1)
    action = call.layer.phase_action(call.decision.training, call.statistics)
    if call.decision.training and task == "fit" and call.layer.updates_state:
        action += f", {call.layer.updates_state}"
    reason = task if decision.rule == 5 else decision.reason
    return Behaviour(call.decision.phase, action, call.statistics, decision.rule, reason)


def _origin(call, follows_the_task):
    """The decision that really settled a call.

    A composite layer that hands its own `training` on to a layer inside looks like an explicit argument there. Where the
    value follows the task, the parent's decision is the origin.
    """
    passed_on = call.decision.rule == 2 and follows_the_task
    while passed_on and call.parent is not None:
        call = call.parent
        passed_on = call.decision.rule == 2
    return call.decision


def _table(explanation):
    told = (
        f"\n On the host, before the compiled program: {', '.join(explanation.on_host)}." if explanation.on_host else ""
    )
    if not explanation:
        return f"{explanation.title}: nothing. No layer in it behaves differently in training and in inference.{told}"
    cells = [[f"{b.action}\n└ {b.reason}" for b in (getattr(row, task) for task in TASKS)] for row in explanation]
    return (
        render(explanation.title, ["layer", *TASKS], [[row.layer, *three] for row, three in zip(explanation, cells)])
        + told
    )

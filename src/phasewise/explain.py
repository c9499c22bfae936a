"""explain: what each layer that depends on the phase does in fit, evaluate and predict, and why.

The rows are observed: the model is traced as each task would trace it, and every call reports its own decision.
"""

import dataclasses
import io

from phasewise.layer import depends_on_phase
from phasewise.training.programs import trace_calls, under

TASKS = ("fit", "evaluate", "predict")


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """What one call of a layer does in one task: its phase, the statistics it uses (or None), rule and reason."""

    phase: str
    action: str
    statistics: str | None
    rule: int
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
    """A list of `Row`s; `explanation["bn"]` finds a row by the layer's name; `str()` gives the table."""

    def __init__(self, rows, title):
        super().__init__(rows)
        self.title = title

    def __getitem__(self, key):
        if isinstance(key, str):
            for row in self:
                if row.layer == key:
                    return row
            raise KeyError(f"No row for a layer called {key!r}; there are rows for {[row.layer for row in self]}.")
        return super().__getitem__(key)

    def to_dict(self):
        """The rows as nested dicts and lists, ready for JSON."""
        return [dataclasses.asdict(row) for row in self]

    def __str__(self):
        return _table(self)

    __repr__ = __str__


def explain(model, statistics=None, print_fn=None):
    """The `Explanation` of `model`; printed, or given to `print_fn`; see `Model.explain`."""
    model.ensure_built(model.example_spec())
    spec = model.example_spec()
    with under(model, statistics):
        observed = {task: trace_calls(model, spec, task)[0] for task in TASKS}
    rows, seen = [], {}
    for calls in zip(*(observed[task] for task in TASKS)):
        layer = calls[0].layer
        if not depends_on_phase(layer):
            continue
        seen[layer.name] = seen.get(layer.name, 0) + 1
        name = layer.name if seen[layer.name] == 1 else f"{layer.name} (call {seen[layer.name]})"
        rows.append(Row(name, type(layer).__name__, *(_behaviour(calls, i) for i in range(len(TASKS)))))
    explanation = Explanation(rows, f'What the switch does in "{model.name}"')
    if print_fn is not False:
        (print_fn or print)(str(explanation))
    return explanation


def _behaviour(calls, index):
    call = calls[index]
    decision, reason = _origin(calls, index)
    action = call.layer.phase_action(call.decision.training, call.statistics)
    if call.decision.training and TASKS[index] == "fit" and call.layer.updates_state:
        action += ", moving ones follow"
    return Behaviour(call.decision.phase, action, call.statistics, decision.rule, reason)


def _origin(calls, index):
    """The decision that really settled a call.

    A composite layer that hands its own `training` on to a layer inside looks like an explicit argument there. Where the
    value follows the task, the parent's decision is the origin.
    """
    call = calls[index]
    passed_on = call.decision.rule == 2 and len({c.decision.phase for c in calls}) > 1
    while passed_on and call.parent is not None:
        call = call.parent
        passed_on = call.decision.rule == 2
    return call.decision, call.decision.reason


def _table(explanation):
    from rich import box  # rich costs 0.1 s to import and is needed only when something is drawn
    from rich.console import Console
    from rich.table import Table

    if not explanation:
        return f"{explanation.title}: nothing. No layer in it behaves differently in training and in inference."
    table = Table(title=explanation.title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, show_lines=False)
    table.add_column("layer", overflow="fold")
    for task in TASKS:
        table.add_column(task)
    for row in explanation:
        behaviours = [getattr(row, task) for task in TASKS]
        table.add_row(row.layer, *(f"{b.action}\n└ {b.reason}" for b in behaviours))
    console = Console(file=io.StringIO(), width=108, color_system=None)
    console.print(table)
    lines = console.file.getvalue().rstrip().splitlines()
    return "\n".join(line.rstrip() for line in lines)

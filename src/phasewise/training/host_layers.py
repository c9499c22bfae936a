"""A model's layers of strings, run on the host while its data are read."""

from phasewise.data.adapters import as_plan
from phasewise.graph import symbolic
from phasewise.graph.host_part import Encoded


def plan_for(model, x, *parts, **options):
    """The plan of batches for a run of `model`: that of `as_plan`, with what the model's layers on the host make of each batch.

    Args:
        x, parts, options: as `as_plan` takes them.
    """
    plan = as_plan(x, *parts, strings=model.runs_on_host, **options)
    return plan.map(_Encoding(model)) if model.runs_on_host else plan


class _Encoding:
    """A batch with what the model's layers on the host make of its inputs in the place of these."""

    def __init__(self, model):
        self._model = model

    def __call__(self, x, *labels):
        (made,), _ = encoded(self._model, (x,), {})
        return made, *labels


def encoded(model, args, kwargs):
    """`(args, kwargs)` of a call with what the layers on the host make of the inputs in the place of these."""
    if not args and "inputs" in kwargs:
        args, kwargs = (kwargs["inputs"],), {name: value for name, value in kwargs.items() if name != "inputs"}
    if not args or isinstance(args[0], Encoded):
        return args, kwargs
    model._connect_to(args[0])
    if symbolic.any_symbolic(args[0]):
        return args, kwargs
    return (model._graph.host.encode(args[0]), *args[1:]), kwargs

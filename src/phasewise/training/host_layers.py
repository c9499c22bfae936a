"""A model's layers of strings, run on the host while its data are read."""

from phasewise.data.adapters import as_plan


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
        (encoded, *_), _ = self._model._encoded((x,), {})
        return encoded, *labels

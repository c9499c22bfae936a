"""What brings the batch that a user gives to `train_on_batch`, `test_on_batch` and `predict_on_batch`."""

import jax

from phasewise.core.strings import holds_strings
from phasewise.data import adapters, make_executor
from phasewise.data.feed import size_class
from phasewise.data.foreign import hugging_face_columns, is_hugging_face
from phasewise.data.one_batch import OneBatch
from phasewise.data.structure import leaves
from phasewise.training.class_weights import ClassWeights
from phasewise.training.fitting import training_plan


def plan_of_one_batch(model, task, x, y=None, sample_weight=None, class_weight=None):
    """A plan of the one batch that the arrays are.

    Args:
        task: named in messages.

    Raises:
        TypeError: `x` is no arrays.
    """
    x = _arrays(task, x, y)
    first = jax.tree.leaves(x, is_leaf=holds_strings if model.runs_on_host else None)
    return training_plan(model, x, y, sample_weight, max(1, len(first[0])) if first else 1, False, class_weight)


def executor_of_one_batch(model, task, x, y=None, sample_weight=None, class_weight=None):
    """The executor of the one batch that the arrays are, to be filled up to one of few sizes unless layers remember rows."""
    if model.runs_on_host:
        plan = plan_of_one_batch(model, task, x, y, sample_weight, class_weight)
        return make_executor(plan, plan._rows and _whole_rows(model, plan._rows.batch_size))
    x = _arrays(task, x, y)
    if class_weight is not None:
        sample_weight = ClassWeights(class_weight, model._output_names).times(y, sample_weight)
    source = adapters.source_of(x, y, sample_weight)
    return OneBatch(source, _whole_rows(model, len(leaves(source)[0])))


def _arrays(task, x, y):
    x = hugging_face_columns(x) if is_hugging_face(x) else x
    if not adapters.is_arrays(x, y, task):
        raise TypeError(
            f"`{task}` takes one batch as arrays, or nests of arrays; got {type(x).__name__}. `fit`, `evaluate` and `predict` take "
            "sources of batches."
        )
    return x


def _whole_rows(model, rows):
    return rows if model._inventory().remembers else size_class(rows)

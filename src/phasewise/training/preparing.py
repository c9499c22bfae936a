"""What happens before the first step of a run: shapes checked, weights made, losses and metrics resolved."""

import jax

from phasewise.training.programs import trace_calls
from phasewise.training.step import unpack


def require_compiled(model, task, *, optimizer=False):
    """Raises RuntimeError when `model` lacks what `compile` would have given it."""
    if model.objective is None or (optimizer and model.optimizer is None):
        raise RuntimeError(
            f"`{task}` needs a compiled model: call model.compile(optimizer=..., loss=...) on {model.name!r} first."
        )


def require_steps(executor, steps, argument):
    """Raises ValueError when the plan is endless and nothing says how many steps to take."""
    if executor.cardinality == -1 and steps is None:
        raise ValueError(
            f"The data never end (the plan repeats without a count), so `{argument}` must say how many batches to take."
        )


def require_data(seen, argument="x"):
    """Raises ValueError when a run got no batch at all."""
    if not seen:
        raise ValueError(f"`{argument}` holds no data: not a single batch came. Give at least one row.")


def batch_spec(executor, rows):
    """The structure of one batch of `rows` rows, as `jax.ShapeDtypeStruct`s."""
    return jax.tree.map(
        lambda s: jax.ShapeDtypeStruct((rows, *s.shape[1:]), s.dtype),
        executor.element_spec,
        is_leaf=lambda s: hasattr(s, "dtype"),
    )


def prepare(model, spec, task):
    """Build the model for a batch of `spec` where that is to be done; the record of its calls in `task`.

    Raises:
        ValueError: the data do not fit the model; the message names the input or layer and both shapes.
    """
    x, _, _ = unpack(spec)
    model.ensure_built(x)
    return trace_calls(model, x, task)


def prepare_objective(model, spec, outputs, executor):
    """Resolve losses and metrics against the shapes of labels and outputs; check the labels' values, once.

    Args:
        spec: structure of a batch.
        outputs: the shapes that the model returns for it.
        executor: what holds the data.
    """
    _, y, _ = unpack(spec)
    model.objective.build(y, outputs, model.output_names)
    if y is not None:
        _, labels, _ = unpack(executor.sample())
        model.objective.check_labels(labels, outputs, source=id(executor))


def prepare_both(model, executor, rows, task):
    """Prepare the model and its objective for batches of `rows` rows; the record of the model's calls."""
    spec = batch_spec(executor, rows)
    calls, outputs = prepare(model, spec, task)
    prepare_objective(model, spec, outputs, executor)
    return calls

"""Metrics that layers add while they are called: `add_metric`."""

import jax.numpy as jnp

from phasewise.core import padding
from phasewise.metrics.metric import Metric
from phasewise.metrics.reduction import Mean
from phasewise.switch import phase

_COUNTING = frozenset({"fit", "train_on_batch", "evaluate", "test_on_batch"})


def record_metric(layer, value, name, aggregation):
    """Take a value into account under this name, where the task logs metrics; as of `Layer.add_metric`."""
    metric = metric_of(layer, name, aggregation)
    if phase.current_task() not in _COUNTING:
        return
    value = jnp.asarray(value)
    mask = padding.mask_for(value) if value.ndim else None
    if mask is None:
        metric.update_state(value)
    else:
        metric.update_state(value, sample_weight=mask.astype(jnp.float32))


def metric_of(layer, name, aggregation):
    """The metric of this name that the layer holds; made at the first call.

    Raises:
        ValueError: no name, or `aggregation` is something else than "mean" or a metric.
    """
    if isinstance(aggregation, Metric):
        name = name or aggregation.name
    if not isinstance(name, str) or not name:
        raise ValueError(
            f"add_metric needs the name under which the value is logged: self.add_metric(value, name='mean_activation'); got {name!r}."
        )
    if aggregation not in ("mean", None) and not isinstance(aggregation, Metric):
        raise ValueError(
            f"add_metric takes aggregation='mean', or a metric that the values are given to; got {aggregation!r} of type "
            f"{type(aggregation).__name__}."
        )
    held = vars(layer).get("_added_metrics", {})
    if name not in held:
        made = aggregation if isinstance(aggregation, Metric) else Mean(name=name)
        layer._added_metrics = {**held, name: made}
        return made
    if isinstance(aggregation, Metric) and held[name] is not aggregation:
        raise ValueError(f"{layer.name!r} has added another metric under the name {name!r} before.")
    return held[name]

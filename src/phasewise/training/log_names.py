"""The names of losses and metrics in the logs: no two are the same, so that none hides another. Keras's rules, where it has them."""

from phasewise.core.naming import distinct
from phasewise.core.operators import resolved


def entries(metrics, outputs, taken, second=None):
    """(number of the output, name in the logs, metric) of each metric.

    Args:
        metrics: list of (number of the output, metric).
        outputs: names of the outputs, which go before the metrics'; None where there is one.
        taken: a set of names, which grows.
        second: what goes before the name of a metric whose plain name is taken.
    """
    found = []
    for i, metric in metrics:
        before = f"{outputs[i]}_" if outputs else ""
        name = f"{before}{metric.name}"
        if second and name in taken:
            name = f"{before}{second}_{metric.name}"
        found.append((i, distinct([name], taken)[0], metric))
    return found


def in_order(found, is_of_several):
    """Entries in the order of the list that Keras's `evaluate` returns: by name where there are several outputs, else as they were given."""
    return sorted(found, key=lambda entry: entry[1]) if is_of_several else found


def order_of_losses(outputs, losses, is_by_key):
    """The numbers of the outputs in the order of that list: where outputs go by keys that of the dict of losses, else their own."""
    first = list(losses) if is_by_key and isinstance(losses, dict) else []
    return sorted(range(len(outputs)), key=lambda i: first.index(outputs[i]) if outputs[i] in first else len(first))


def refuse_twice(metrics):
    """Raises ValueError when one metric object stands for two."""
    seen = set()
    for metric in metrics:
        if id(metric) in seen:
            raise ValueError(
                f"The metric object {metric.name!r} is given twice: its state would mix both. Give one object for each, or its name."
            )
        seen.add(id(metric))


def add(logs, name, value):
    """Enter what a metric says in the logs: a number under its name, a dict of numbers under its keys where these are free."""
    value = resolved(value)  # `result` may return an accumulator itself
    if not isinstance(value, dict):
        logs[name] = value
        return
    for key, each in value.items():
        logs[distinct([key if key not in logs else f"{name}_{key}"], set(logs))[0]] = each

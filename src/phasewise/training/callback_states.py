"""What callbacks keep in a backup: the attributes that they name."""

import collections


def states_of(callbacks):
    """[[name of the class, {attribute: value}], …] for the callbacks of a run that keep something."""
    return [
        [type(callback).__name__, {name: getattr(callback, name) for name in callback.kept_in_backup}]
        for callback in callbacks
        if callback.kept_in_backup
    ]


def put_back_states(callbacks, states):
    """Give each callback what one of its class, the first, second … of it, had kept. One that is new here is left as it is."""
    waiting = collections.defaultdict(list)
    for name, state in states:
        waiting[name].append(state)
    for callback in callbacks:
        if callback.kept_in_backup and waiting[type(callback).__name__]:
            state = waiting[type(callback).__name__].pop(0)
            _set_all(callback, {name: state[name] for name in callback.kept_in_backup if name in state})


def _set_all(item, values):
    for name, value in values.items():
        setattr(item, name, value)

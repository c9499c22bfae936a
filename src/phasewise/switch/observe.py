"""A record of what each layer call decided while a model was traced: what `explain` reads.

It is a record of the calls themselves, not a second copy of the rules, so it cannot disagree with them.
"""

import contextlib
import dataclasses
from contextvars import ContextVar

_observer = ContextVar("phasewise_observer", default=None)


@dataclasses.dataclass
class Call:
    """One call of one layer: its phase decision and, for a normalization layer, the statistics that it used.

    `values` is the number of values that batch statistics were taken over; None where that is not known. `times` is how often the
    call is made, where it is in a loop that is traced once.
    """

    layer: object
    decision: object
    depth: int
    parent: object = None
    statistics: str | None = None
    values: int | None = None
    times: int = 1


class Calls(list):
    """The calls in the order in which they began."""

    def __init__(self):
        super().__init__()
        self.stack = []
        self.functions = []  # those that the graph calls between layers
        self.adds_losses = False  # whether a layer added a loss, which may be computed from the whole batch
        self.writes = False  # whether a layer gave a variable a new value
        self.keep_rows_apart = None  # whether all that was called does, where someone has asked
        self.adaptable = (
            None  # the layers that `adapt` prepares and that were not seen adapted, where someone has asked
        )
        self.draws = ()  # what each random draw mixes into the seed, in order
        self.looked_up = ()  # (number of an input, layer) for every input that goes to an embedding as it is
        self._ids, self._sources = [], {}
        self.times = 1  # how often the calls that are noted now are made
        self._reported = set()

    def report(self, subject):
        """Whether `subject` is still to be told of these calls; from now on it has been."""
        is_new = subject not in self._reported
        self._reported.add(subject)
        return is_new

    def end_of_trace(self, inputs):
        """Which of the `inputs`, the arrays of the trace, embeddings looked up; the arrays are let go of."""
        numbers = {id(array): number for number, array in enumerate(inputs)}
        sources = [(self._source_of(ids), layer) for ids, layer in self._ids]
        found = [(numbers[id(array)], layer) for array, layer in sources if id(array) in numbers]
        self.looked_up = tuple(dict.fromkeys(found))
        self._ids, self._sources = [], {}

    def _source_of(self, array):
        while id(array) in self._sources:
            array = self._sources[id(array)][1]
        return array

    @property
    def rows_mix(self):
        """True when some layer normalized with the batch or mixed its rows, so that a row's output depends on the rows beside it."""
        return any(
            call.statistics not in (None, "moving") or (call.layer.mixes_rows and call.decision.training)
            for call in self
        )


@contextlib.contextmanager
def calls():
    """Collect a `Call` for every layer call inside the block."""
    record = Calls()
    token = _observer.set(record)
    try:
        yield record
    finally:
        _observer.reset(token)


@contextlib.contextmanager
def call(layer, decision):
    """One layer call; nothing happens unless someone observes."""
    record = _observer.get()
    if record is None:
        yield
        return
    parent = record.stack[-1] if record.stack else None
    entry = Call(layer, decision, len(record.stack), parent, times=record.times)
    record.append(entry)
    record.stack.append(entry)
    try:
        yield
    finally:
        record.stack.pop()


@contextlib.contextmanager
def repeated(times):
    """The calls inside the block are made so many times: it is the body of a loop."""
    record = _observer.get()
    if record is None:
        yield
        return
    kept, record.times = record.times, record.times * times
    try:
        yield
    finally:
        record.times = kept


def note_function(function):
    """The graph now calls a function of its user's."""
    record = _observer.get()
    if record is not None:
        record.functions.append(function)


def note_statistics(kind, values=None):
    """The layer now being called normalizes with statistics of this kind, taken over this many values."""
    record = _observer.get()
    if record is not None and record.stack:
        record.stack[-1].statistics, record.stack[-1].values = kind, values


def note_ids(ids):
    """The layer now being called looks up rows of a table by these numbers."""
    record = _observer.get()
    if record is not None and record.stack:
        record._ids.append((ids, record.stack[-1].layer))


def follow(array, source):
    """`array`, which holds the values of `source` in another shape or dtype."""
    record = _observer.get()
    if record is not None and array is not source:
        record._sources[id(array)] = array, source
    return array

"""Sources of one pass, such as generators: several runs take batches from one in turn, and none is lost between them."""

import collections
import threading
import weakref

_FEW = 8

_shares = weakref.WeakKeyDictionary()  # source -> _Share
_few_shares = collections.OrderedDict()  # id -> (source, _Share), of sources that cannot be referred to weakly


class _Share:
    """What the turns at one source have in common: what one read ahead and did not use, and who reads now."""

    def __init__(self):
        self.waiting, self.used = collections.deque(), 0
        self.reading, self.changing = threading.Lock(), threading.Lock()


class Turn:
    """One run's turn at a source of one pass.

    Args:
        source: an iterator.
        own: `element -> element` that the source cannot change any more.

    Attributes:
        remembers: whether elements are kept until `used` is told of them, so that `end` can give back what is left.
    """

    def __init__(self, source, own):
        self._source, self._own, self._share = source, own, _share_of(source)
        self._unused = collections.deque()
        self._is_over = self.remembers = False

    def __iter__(self):
        while True:
            with self._share.reading:
                element = self._drawn()
            if element is None:
                return
            yield element[0]

    def used(self, count):
        """The oldest `count` elements are used: they do not go back."""
        with self._share.changing:
            self._share.used += count
            for _ in range(min(count, len(self._unused))):
                self._unused.popleft()

    @property
    def total_used(self):
        """How many elements of the source were used so far, in this turn and those before."""
        return self._share.used

    def end(self):
        """What was read and not used is the next turn's."""
        with self._share.changing:
            self._is_over = True
            self._share.waiting.extendleft(reversed(self._unused))
            self._unused.clear()
            if not self._share.waiting:
                _few_shares.pop(id(self._source), None)

    def _drawn(self):
        """The next element in a tuple; None at the end, or when the turn is over."""
        with self._share.changing:
            if self._is_over:
                return None
            if self._share.waiting:
                return self._noted(self._share.waiting.popleft())
        try:
            element = self._own(next(self._source))
        except StopIteration:
            return None
        with self._share.changing:
            if not self._is_over:
                return self._noted(element)
            self._share.waiting.append(element)
            return None

    def _noted(self, element):
        if self.remembers:
            self._unused.append(element)
        return (element,)


def _share_of(source):
    try:
        return _shares.setdefault(source, _Share())
    except TypeError:  # no weak references to it, or no hash
        pass
    known = _few_shares.pop(id(source), None)
    share = known[1] if known is not None and known[0] is source else _Share()
    _few_shares[id(source)] = source, share
    while len(_few_shares) > _FEW:
        _few_shares.popitem(last=False)
    return share

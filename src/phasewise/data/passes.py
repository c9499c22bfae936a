"""Where a run is in its data: in which pass over the plan, in which orders, and how many batches of the pass are used."""

from typing import Any


class Passes:
    """Those of one executor.

    Args:
        plan: what it runs.

    Attributes:
        begun: how many passes were begun.
    """

    def __init__(self, plan: Any):
        self._orders, self._turn, self.begun = orders_of(plan), plan._turn, 0
        self._at_start = self._now()
        self._used_before = 0 if plan._turn is None else plan._turn.total_used  # of a source of one pass

    def begin(self) -> None:
        """A pass begins."""
        self.begun, self._at_start = self.begun + 1, self._now()

    def position(self, used: int, used_in_run: int) -> dict[str, Any]:
        """What `put_back` takes, after `used` batches of the present pass and `used_in_run` in all. JSON."""
        return {
            "at_start": self._at_start,
            "now": self._now(),
            "batches": used,
            "of_source": None if self._turn is None else self._used_before + used_in_run,
        }

    def put_back(self, position: dict[str, Any], *, anew: bool) -> int:
        """Bring the orders to where they were, for a pass that is to begin: how many of its batches are to be passed over.

        Args:
            anew: the pass at hand has ended, and another begins.
        """
        for order, (seed, number) in zip(self._orders, position["now" if anew else "at_start"], strict=False):
            order.go_to(seed, number)
        if self._turn is not None and position["of_source"] is not None:
            return max(0, position["of_source"] - self._used_before)
        return 0 if anew else position["batches"]

    def _now(self):
        return [order.place for order in self._orders]


def orders_of(plan: Any) -> list[Any]:
    """The `Orders` of all shuffles that the plan and those that it was made of have, always in the same sequence."""
    found, seen, stack = [], set(), [plan]
    while stack:
        each = stack.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if each._orders is not None:
            found.append(each._orders)
        recipe = vars(each).get("_recipe")
        if recipe is not None:
            stack += _plans_in([recipe.before, recipe.args, recipe.kwargs], type(each))
    return found


def _plans_in(nest, kind):
    if isinstance(nest, kind):
        return [nest]
    if isinstance(nest, dict):
        nest = list(nest.values())
    return [plan for item in nest for plan in _plans_in(item, kind)] if isinstance(nest, list | tuple) else []

"""Answers of ours that an attribute of a user's class may take the name of: Keras's classes leave these names to whoever subclasses them."""

from typing import Any


class Overridable(property):
    """A property that can be assigned to in a subclass from outside of phasewise, where what was assigned is what it gives from then on.

    Nothing in phasewise reads it: the answer itself is kept under a name with an underscore. Objects of phasewise's own classes refuse
    the assignment, which would have no effect.
    """

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is not None and self.fget.__name__ in vars(instance):
            return vars(instance)[self.fget.__name__]
        return super().__get__(instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        name = self.fget.__name__
        if type(instance).__module__.partition(".")[0] == "phasewise":
            raise AttributeError(f"{type(instance).__name__}.{name} tells what there is; it cannot be assigned to.")
        vars(instance)[name] = value

    def __delete__(self, instance: Any) -> None:
        if vars(instance).pop(self.fget.__name__, self) is self:
            raise AttributeError(f"{type(instance).__name__} has no attribute {self.fget.__name__!r} of its own.")

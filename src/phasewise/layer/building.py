"""The part of a layer that makes its weights once the shapes of its inputs are known, and again from a file."""

from typing import Any

from phasewise.core import naming
from phasewise.core.types import Config
from phasewise.core.variable import eager
from phasewise.layer import config as layer_config
from phasewise.layer.signature import build_shapes


class Building:
    """A layer that is built at its first call."""

    _build_shapes = None  # what `build` was called with

    def build(self, input_shape: Any = None) -> None:
        """Make the weights, once, when the shape of the input is known. Override it; the default makes none."""
        self.built = True

    def _ensure_built(self, args, kwargs):
        if self.built:
            return
        with eager(), naming.building():
            shapes = build_shapes(type(self), args, kwargs)
            self.build(**shapes) if isinstance(shapes, dict) else self.build(*shapes)
        self.built, self._build_shapes = True, shapes

    def get_build_config(self) -> Config | None:
        """The shapes that `build` was called with: `{"input_shape": shape}`, or `{"shapes_dict": {argument: shape}}` where it takes
        several; None where it was not, or makes nothing."""
        return layer_config.build_config(type(self), self._build_shapes)

    def build_from_config(self, config: Config) -> None:
        """Build the layer for the shapes that `get_build_config` returned.

        Raises:
            ValueError: they are no shapes.
        """
        args, kwargs = layer_config.shapes_to_build(config)
        if not (args or kwargs):
            return
        with eager(), naming.building(), naming.path_part(self.name, self):
            self.build(*args, **kwargs)
        self.built, self._build_shapes = True, kwargs or args

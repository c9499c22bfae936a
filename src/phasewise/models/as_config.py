"""What a model knows of configs: `get_config`, `from_config`, `to_json`."""

import inspect
import json
from collections.abc import Mapping
from typing import Any, Self

from phasewise.core import constructors
from phasewise.core.describing import serialize_keras_object
from phasewise.core.keras_names import FUNCTIONAL
from phasewise.core.restoring import inside, opening, scope_of
from phasewise.core.types import Config
from phasewise.graph.graph import Graph
from phasewise.layer import config as layer_config
from phasewise.layer.layer import Layer
from phasewise.models.graph_from_config import KEYS, ends_of_graph
from phasewise.models.graph_to_config import graph_config


class AsConfig(Layer):
    """The part of a model that makes configs of it, and it of configs."""

    _graph: Graph | None

    @property
    def written_as(self) -> tuple[str, str, str] | None:
        """The module, class and registered name under which Keras knows the model; None where the class says it."""
        return FUNCTIONAL if self._graph is not None and type(self).__name__ == "Model" else None

    def get_config(self) -> Config:
        """Of a model of inputs and outputs the graph, in Keras's form; else name, trainable and dtype, and the constructor's arguments of
        a subclass that defines no `get_config`.

        Raises:
            ValueError: the graph calls a function that no config can speak of.
            NotImplementedError: a subclass was made with arguments that no config can hold, and has no `get_config`.
        """
        if self._graph is not None and takes_ends(type(self)):
            return {"name": self.name, "trainable": self._own_trainable, **graph_config(self._graph)}
        config = super().get_config()
        if type(self).get_config is AsConfig.get_config and not takes_ends(type(self)):
            config = layer_config.accepted(type(self), config)
            config.update(layer_config.arguments_as_given(type(self), *self._given))
        return config

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Self:
        """A new model like the one whose config it is, with new weights; a config that Keras wrote is read as well.

        Args:
            custom_objects: dict of name -> class or function, for names that are not registered.

        Raises:
            ValueError: the config describes no model; the message says which layer is at fault, and why.
        """
        if not isinstance(config, Mapping):
            raise TypeError(
                f"{cls.__name__}.from_config takes a dict, as get_config returns; got {type(config).__name__}."
            )
        with scope_of(custom_objects), opening(config), inside():
            if not (all(key in config for key in KEYS) and takes_ends(cls)):
                return super().from_config(dict(config))
            inputs, outputs = ends_of_graph(config)
            more = {key: value for key, value in config.items() if key not in KEYS and value is not None}
            return cls(inputs=inputs, outputs=outputs, **more)

    def get_build_config(self) -> Config | None:
        """The shape of the input that the model was built for, as `build` takes it; None where it is not built."""
        if self._graph is not None:
            return {"input_shape": None}  # as Keras: the graph has built it
        if not self.built or self._build_shapes is None:
            return None
        return {"input_shape": self._build_shapes[0]}

    def build_from_config(self, config: Config) -> None:
        """Build the model for the shapes that `get_build_config` returned.

        Raises:
            ValueError: they are no shapes.
        """
        args, kwargs = layer_config.shapes_to_build(config)
        if args or kwargs:
            self.build(*args, **kwargs)

    def to_json(self, **kwargs: Any) -> str:
        """The model without its weights as text, in Keras's form: `phasewise.models.model_from_json` and Keras's read it.

        Args:
            kwargs: for `json.dumps`, as `indent=2`.
        """
        return json.dumps(serialize_keras_object(self), **kwargs)


def takes_ends(cls: type) -> bool:
    """Whether the constructor of `cls` is that of a functional model: inputs, outputs and a name, or anything at all."""
    parameters = constructors.parameters(cls)
    kinds = [p.kind for p in parameters.values()]
    takes_all = inspect.Parameter.VAR_POSITIONAL in kinds and inspect.Parameter.VAR_KEYWORD in kinds
    takes_name = "name" in parameters or inspect.Parameter.VAR_KEYWORD in kinds
    return takes_all or (list(parameters)[1:3] == ["inputs", "outputs"] and takes_name)

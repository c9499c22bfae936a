"""Model: a layer that can be compiled, fitted, evaluated, and asked."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from phasewise.core import random, structure, variable
from phasewise.core.keywords import told
from phasewise.core.overridable import Overridable
from phasewise.core.registry import nearest, register
from phasewise.core.traced import any_traced
from phasewise.core.types import Nest
from phasewise.graph import symbolic
from phasewise.graph.graph import Graph
from phasewise.layer import inputs as layer_inputs
from phasewise.layer.added_losses import collected_losses
from phasewise.layer.layer import Layer
from phasewise.models.as_config import AsConfig
from phasewise.models.calling import call as call_on_arrays
from phasewise.models.calling import call_at_once
from phasewise.models.ends import Ends
from phasewise.models.explain import Explanation, explain
from phasewise.models.exported import Exported
from phasewise.models.handing_on import hands_on
from phasewise.models.metric_in_graph import AddMetric
from phasewise.models.model_on_file import ModelOnFile
from phasewise.models.state_tree import StateTree
from phasewise.models.summary import summary
from phasewise.models.weights_on_file import WeightsOnFile
from phasewise.switch.statistics_policy import ByLayer, Policy
from phasewise.training.host_layers import encoded
from phasewise.training.trainer import Trainer


@register("layer", "Functional")
class Model(Ends, Trainer, StateTree, WeightsOnFile, ModelOnFile, Exported, AsConfig):
    """A network: `Model(inputs, outputs)` of symbolic tensors, or a subclass with a `call` of its own.

    Args:
        inputs, outputs: what `Input` returned and what layers returned for it, as single tensors, lists, tuples or dicts.
        name: str.
        trainable, dtype: as for `Layer`.

    Calling it on arrays, `model(x)`, runs a compiled program. A few of them serve any number of rows, where no function of your
    own may notice that rows were added; a row's output then has the bits that `predict` gives it.

    Raises:
        ValueError: the graph does not connect, or two layers share a name.
    """

    def __init__(
        self,
        inputs: Nest = None,
        outputs: Nest = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        **kwargs: Any,
    ):
        super().__init__(name=name, trainable=trainable, **kwargs)
        self.programs = {}
        self._seeds = random.ModelSeeds()
        self._input_specs = None
        self._graph = None
        if (inputs is None) != (outputs is None):
            raise ValueError("A functional model takes both `inputs` and `outputs`; one of them is missing.")
        self.runs_on_host = False  # whether some layers do, before the compiled program
        if inputs is not None:
            self._graph = Graph(inputs, outputs)
            self.runs_on_host = self._graph.host is not None
            self.built = True
            self.autocast = False  # each layer casts what it is given, or keeps its digits

    left_behind = Layer.left_behind | {"programs"}

    def __getstate__(self):
        state = super().__getstate__()
        return state if self._graph is None or type(self) is not Model else {**state, "_given": ((), {})}

    def __setstate__(self, state):
        super().__setstate__(state)
        self.programs = {}

    # -- the graph

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside the model, inputs first."""
        return self._sublayers()

    def _found(self):
        """As for every layer; the layers of the graph come before those found in attributes."""
        found = super()._found()
        found.layers[:0] = self._graph.layers if self._graph else []
        return found

    @told
    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer with this name or place.

        Raises:
            ValueError: there is none, and the nearest name is given; both or neither of `name` and `index`.
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError(f"get_layer takes a name or an index, one of the two; got {name=} and {index=}.")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"{self.name!r} has {len(layers)} layers; there is no layer {index}.")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        near = nearest(name, [layer.name for layer in layers])
        hint = f" Did you mean {near!r}?" if near else ""
        raise ValueError(f"{self.name!r} has no layer {name!r}.{hint} It has: {', '.join(x.name for x in layers)}.")

    @told
    def add_metric(self, value: Any, name: str | None = None, aggregation: Any = "mean") -> None:
        """As `Layer.add_metric`, in `call`; of a functional model also with a tensor of its graph, before `fit`.

        Raises:
            ValueError: no name, another `aggregation`, or a tensor that does not come from the model's inputs.
            TypeError: a symbolic tensor, and the model has no graph of its own.
        """
        if not symbolic.is_symbolic(value):
            super().add_metric(value, name, aggregation)
            return
        if self._graph is None or type(self).call is not Model.call:
            raise TypeError(
                f"{self.name!r} has no graph that the tensor {value.name!r} could belong to: call self.add_metric in `call`, on arrays."
            )
        added = AddMetric(name, aggregation)(value)
        self._graph = Graph(self._graph.inputs, self._graph.outputs, [*self._graph.beside, added])
        self.programs.clear()
        structure.changed()

    # -- the call

    @hands_on
    def call(self, inputs: Nest) -> Nest:
        """Run the graph. A subclass without a graph overrides this."""
        if self._graph is None:
            raise NotImplementedError(
                f"{type(self).__name__} has neither a graph nor a `call`: pass inputs and outputs, or define "
                "`call(self, inputs)`."
            )
        return self._graph.run(inputs)

    @property
    def can_be_called(self) -> bool:
        """Whether the model has a graph or a `call` of its own; one with a `train_step` alone has neither."""
        return self._graph is not None or type(self).call is not Model.call

    def _connect_to(self, x):
        """Make the graph for data like `x`, where a chain of layers has none yet."""

    def __call__(self, *args: Any, **kwargs: Any) -> Nest:
        if len(args) == 1 and not kwargs:
            outputs = call_at_once(self, args[0])
            if outputs is not None:
                return outputs
        if self.runs_on_host:
            args, kwargs = encoded(self, args, kwargs)
        given = (args, kwargs)
        if variable.in_scope() or symbolic.any_symbolic(given) or any_traced(given):
            return super().__call__(*args, **kwargs)
        args, kwargs = layer_inputs.prepared(self, args, kwargs)
        return call_on_arrays(self, args, kwargs, given[0])

    def _ensure_traced(self, *args: Any, **kwargs: Any) -> None:
        """Make the weights of every layer inside, for inputs of these shapes (arrays or `jax.ShapeDtypeStruct`s).

        The call is traced, never run.
        """
        if self._input_specs is not None or self._graph is not None:
            return

        def spec(leaf):
            return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) if hasattr(leaf, "shape") else leaf

        training = {k: v for k, v in kwargs.items() if k == "training"}
        named = {k: jax.tree.map(spec, v) for k, v in kwargs.items() if k != "training"}
        specs = jax.tree.map(spec, args)
        self._input_specs = specs[0] if specs else next(iter(named.values()), None)
        try:
            with (
                variable.scope([], []),
                random.scope(0, 0),
                random.drawing_from(self._seeds.next_on_host()),
                collected_losses(),
            ):
                jax.eval_shape(lambda a, k: Layer.__call__(self, *a, **k, **training), specs, named)
        except BaseException:
            self._input_specs, self.built = None, False
            raise
        self.built = True
        self._build_shapes = (jax.tree.map(lambda s: (None, *s.shape[1:]), self._input_specs),)

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of this shape (None: any size)."""
        if input_shape is not None and self._graph is None and not self.built:
            self.built = True
            with layer_inputs.dtypes_supposed():
                self._ensure_traced(_specs(input_shape))
            self._build_shapes = (input_shape,)

    @Overridable
    def seed(self) -> int:
        """The seed of the model's random draws in training: taken when the model is made, and anew after `set_random_seed`."""
        return self._seeds.seed

    # -- questions

    def _example_spec(self, rows: int = 32) -> Nest:
        """The structure of an input batch, as `jax.ShapeDtypeStruct`s.

        Raises:
            ValueError: the model is not built yet.
        """
        if self.runs_on_host and self._graph is not None:
            return self._graph.host.spec(rows)
        if self._graph is not None:
            return jax.tree.map(
                lambda t: jax.ShapeDtypeStruct([rows if n is None else n for n in t.shape], t.dtype),
                self._graph.inputs,
                is_leaf=symbolic.is_symbolic,
            )
        if self._input_specs is None:
            raise ValueError(
                f"{self.name!r} has no weights yet because the shape of its input is unknown: call it on data, or call "
                "build(input_shape), first."
            )
        return self._input_specs

    @told
    def explain(
        self,
        statistics: Policy | ByLayer | dict[str, Any] | None = None,
        print_fn: Callable[[str], Any] | bool | None = None,
    ) -> Explanation:
        """Say what every layer that depends on the phase does in fit, evaluate and predict, and which rule decided.

        Args:
            statistics: the policy that `predict(statistics=...)` would be given.
            print_fn: called with the text; by default it is printed. `print_fn=False` prints nothing.

        Returns:
            An `Explanation`: a list of rows that a program can read; `str()` gives the table.
        """
        return explain(self, statistics, print_fn)

    @told
    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print the layers, their output shapes and their weights.

        Args:
            line_length: int, width in characters.
            positions: where each column ends, in characters or as fractions of the width; by default they fit the text.
            print_fn: called with the text instead of printing it.
            expand_nested: also list the layers of models inside this one.
            show_trainable: add a column that says which layers are frozen.
            layer_range: pair of layer names, or patterns of names: from the first layer that matches the one to the last
                that matches the other.

        Raises:
            ValueError: no layer matches `layer_range`.
        """
        summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Nest:
        """As `Layer.compute_output_spec`; the output of a graph of fixed shapes is known without tracing."""
        if self.runs_on_host:  # its own graph has been traced from the inputs on
            return self._graph.outputs
        return symbolic.infer(super().__call__, args, kwargs)


def _specs(shape):
    if isinstance(shape, tuple | list) and all(n is None or isinstance(n, int) for n in shape):
        return jax.ShapeDtypeStruct([1 if n is None else n for n in shape], jnp.float32)
    if isinstance(shape, dict):
        return {k: _specs(v) for k, v in shape.items()}
    return type(shape)(_specs(s) for s in shape)

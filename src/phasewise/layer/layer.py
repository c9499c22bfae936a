"""Layer: weights, a call that knows its phase, and a config that rebuilds it."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from phasewise import constraints, initializers, regularizers
from phasewise.core import former, masking, naming, precision, registry, structure
from phasewise.core.arguments import check_flag
from phasewise.core.keywords import told
from phasewise.core.operators import resolved
from phasewise.core.pickling import Portable
from phasewise.core.precision import PolicyLike
from phasewise.core.traced import any_traced
from phasewise.core.types import Config, DTypeLike, Named, Nest, Shape
from phasewise.core.variable import Variable, autocast, eager, in_scope, scope
from phasewise.graph import symbolic
from phasewise.layer import config as layer_config
from phasewise.layer import inputs as layer_inputs
from phasewise.layer.added_losses import forget_losses, record_loss
from phasewise.layer.adding import Adding
from phasewise.layer.building import Building
from phasewise.layer.drawing import Drawing
from phasewise.layer.in_graph import InGraph
from phasewise.layer.masked import Masked
from phasewise.layer.on_file import OnFile
from phasewise.layer.recomputing import of_new_layer, recomputed
from phasewise.layer.signature import call_signature
from phasewise.layer.stateless_scope import Stateless
from phasewise.layer.tree import LayerTree
from phasewise.layer.typed import Typed
from phasewise.switch import observe, phase, tap


class Layer(Portable, OnFile, InGraph, Building, Masked, Typed, Drawing, Adding, Stateless, LayerTree):
    """A function of arrays that owns weights. Subclass it as in Keras: `__init__`, `build`, `call`.

    Args:
        activity_regularizer: callable `output -> scalar` added to the loss, divided by the number of rows;
            0 for no rows.
        trainable: False freezes the layer and every layer in it.
        dtype: a dtype policy by name or object; default `phasewise.dtype_policy()`.
        autocast: whether floating inputs are cast to the policy's compute dtype.
        name: str; one is made from the class name when absent.

    In `call(self, inputs, training=None, mask=None)` both keywords are optional. `training` is True or False when
    `call` runs: the switch has decided (see `phasewise.switch.phase`). Where Keras would lose an explicit `training=` in
    `predict`, it is honoured here.
    """

    freezing_means_inference = False  # True for normalization layers: rule 1 of the switch
    is_audited = False  # whether it keeps statistics, other than averages, that data can be held against
    _averages = ()  # what follows the batches in training: moving averages, each able to say how far it has come
    updates_state: str | None = None  # in a few words, what a call in training changes of the state besides the weights
    mixes_rows = (
        False  # whether in training a row's output depends on the rows beside it, other than by batch statistics
    )
    remembers = False  # whether row i of a batch goes on where row i of the batch before ended
    acts_by_phase: bool | None = (
        None  # whether its own call differs in training; None: where its `call` takes `training`
    )
    unlisted = frozenset({"input_shape", "input_dim", "batch_input_shape"})
    _recomputing = None  # what of its call is computed again for the gradient
    runs_on_host = False  # True for layers of strings: they run before the compiled program begins
    left_behind = frozenset({"_nodes", "_last_inventory", "_last_losses"})

    def __new__(cls, *args, **kwargs):
        layer = super().__new__(cls, *args, **kwargs)
        layer._given = (args, kwargs)
        return layer

    def __init__(
        self,
        *,
        activity_regularizer: Named = None,
        trainable: bool = True,
        dtype: PolicyLike = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        self.name = str(name) if name is not None else naming.unique_name(type(self).__name__)
        if "/" in self.name:
            raise ValueError(f"A layer's name cannot contain '/': it separates the parts of a path. Got {self.name!r}.")
        self.dtype_policy = precision.of_layer(dtype, self.name)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.autocast = check_flag(type(self).__name__, "autocast", autocast)
        self.built = False
        self.input_spec = None
        self._own_trainable = check_flag(type(self).__name__, "trainable", trainable)
        self._own_variables = []
        self._last_losses = []
        self._nodes = []
        self._seen_output = None  # the shapes of the output of the first call on arrays
        if (recomputing := of_new_layer(self.name)) is not None:
            self._recomputing = recomputing
        self._input_shape_argument = layer_config.input_shape_argument(kwargs)
        if kwargs:
            raise ValueError(layer_config.unknown_argument(type(self), kwargs))

    def __getstate__(self):
        state = super().__getstate__()
        # To the end: these can hold tensors of a graph, whose nodes must come one by one, in order.
        return {**{name: value for name, value in state.items() if name != "_given"}, "_given": self._given}

    def __setstate__(self, state):
        nodes = vars(self).get("_nodes", [])  # the graph enters the calls that it consists of, perhaps before
        vars(self).update(state, _nodes=nodes, _last_losses=[])
        structure.changed()

    def __getattr__(self, name):
        if "_own_variables" not in vars(self) and not name.startswith("__"):
            raise RuntimeError(
                f"{type(self).__name__}.__init__ did not call super().__init__() before {name!r} was needed: do that first."
            )
        if name in former.ATTRIBUTES and not hasattr(type(self), name):
            raise AttributeError(former.attribute(type(self).__name__, name), name=name)
        return object.__getattribute__(self, name)  # raises what the first look-up raised

    # -- weights

    @told
    def add_weight(
        self,
        shape: Shape | int | None = None,
        initializer: Named = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Named = None,
        constraint: Named = None,
        aggregation: str | None = "none",
        name: str | None = None,
    ) -> Variable:
        """Make a weight that the layer owns.

        Args:
            shape: tuple of int; () by default.
            initializer: name or callable; Glorot uniform for floating dtypes, else zeros.
            dtype: name; the policy's variable dtype by default.
            trainable, autocast, regularizer, constraint, name: as in `phasewise.Variable`.
            aggregation: accepted for Keras's sake; arrays that are spread over devices are always global here.

        Returns:
            A `phasewise.Variable`.

        Raises:
            RuntimeError: it is called from `call`, so that each call would add a weight.
        """
        self._refuse_in_call(f"add_weight(name={name!r})")
        shape = (shape,) if isinstance(shape, int) else tuple(shape or ())
        dtype = dtype or self.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if jnp.issubdtype(jnp.dtype(dtype), jnp.floating) else "zeros"
        name = name or f"variable_{len(self._own_variables)}"
        where = naming.path()
        path = f"{where}/{name}" if where.split("/")[-1] == self.name else f"{self.name}/{name}"
        with eager(), jax.ensure_compile_time_eval():
            variable = Variable(
                initializers.get(initializer),
                shape,
                dtype,
                trainable=trainable,
                autocast=autocast,
                regularizer=regularizers.get(regularizer),
                constraint=constraints.get(constraint),
                name=name,
                path=path,
            )
        self._own_variables.append(variable)
        structure.changed()
        return variable

    # -- the call

    def call(self, *args: Any, **kwargs: Any) -> Nest:
        """Compute the output. Override it."""
        raise NotImplementedError(f"{type(self).__name__} has no `call` method: define `call(self, inputs)`.")

    def __call__(self, *args: Any, **kwargs: Any) -> Nest:
        if symbolic.any_symbolic((args, kwargs)):
            return self._call_symbolic(args, kwargs)
        if not in_scope() and any_traced((args, kwargs)):
            with scope([], []):  # in a user's own jit or grad: what the layers write would be tracers, so it is dropped
                return self._call(args, kwargs)
        return self._call(args, kwargs)

    def _call(self, args, kwargs):
        accepted = call_signature(type(self))
        args, kwargs, own = accepted.take_training(args, kwargs)
        if refusal := accepted.refusal(self.name, type(self), args, kwargs):
            raise refusal
        if not naming.path():
            forget_losses(self)
        with masking.table(), naming.path_part(self.name, self), phase.enclosing_call(own):
            args, kwargs = layer_inputs.prepared(self, args, kwargs)
            layer_inputs.check(self, args)
            if kwargs.get("mask") is not None and not self.checks_mask:
                layer_inputs.check_mask(self, args, kwargs["mask"])
            decision = self._decide(own)
            with layer_inputs.told_in_errors(self, args):
                self._ensure_built(args, kwargs)
                if accepted.training:
                    kwargs["training"] = decision.training
                self._take_mask(accepted, args, kwargs)
                if accepted.masked:
                    args, kwargs = layer_inputs.with_masks(accepted, args, kwargs)
                call = self.call
                if self._recomputing is not None:
                    call = recomputed(self, decision.training, naming.path() == self.name)
                with observe.call(self, decision), autocast(self._autocast_dtype()):
                    outputs = tap.through(self, args, resolved(call(*args, **kwargs)))
            return self._finish(args, kwargs, outputs)

    def _decide(self, own: bool | None = None) -> phase.Decision:
        """The switch's decision for a call of this layer that was given `training=own`."""
        frozen = self.freezing_means_inference and not self.trainable
        return phase.decide(frozen=frozen, own=own)

    def _finish(self, args, kwargs, outputs):
        if self.activity_regularizer is not None:
            for leaf in jax.tree.leaves(outputs):
                wide = leaf.astype(jnp.promote_types(leaf.dtype, jnp.float32))
                record_loss(self, self.activity_regularizer(wide) / max(1, leaf.shape[0]))
        if self._seen_output is None:
            self._seen_output = jax.tree.map(_spec_of, outputs)
        if args:
            self._give_mask(args[0], kwargs.get("mask"), outputs)
        return outputs

    @property
    def can_run_on_host(self) -> bool:
        """Whether the layer, built, may run before the compiled program begins: it has no weights, and does not act by the phase."""
        return self.built and not self.variables and not any(map(depends_on_phase, self._inventory().layers))

    def phase_action(self, training: bool, statistics: str | None = None) -> str:
        """In a few words, what a call does in this phase; what `explain` prints."""
        return "as in training" if training else "as in inference"

    # -- config

    def get_config(self) -> Config:
        """What `from_config` needs to make a layer like this one, weights aside.

        A class that defines no `get_config` of its own gets its constructor's arguments as they were given.

        Raises:
            NotImplementedError: one of those is more than numbers, strings and nests of them.
        """
        config = {"name": self.name, "trainable": self._own_trainable, "dtype": registry.serialize(self.dtype_policy)}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = registry.serialize(self.activity_regularizer)
        if type(self).get_config is Layer.get_config and type(self).__init__ is not Layer.__init__:
            config = layer_config.accepted(type(self), config)
            config.update(layer_config.arguments_as_given(type(self), *self._given))
        return config

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer from what `get_config` returned, or that of Keras's layer of this name."""
        config = layer_config.without_quantization(config)
        taken = layer_config.accepted(cls, config) if layer_config.is_made_for_it(cls) else config
        layer = cls(**taken)
        if len(taken) < len(config):
            layer_config.set_what_is_of_every_layer(layer, {k: v for k, v in config.items() if k not in taken})
        return layer

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}{', built' if self.built else ''}>"


def depends_on_phase(layer: Layer) -> bool:
    """True for a layer that says so, or whose own `call` takes `training` and that does not merely pass it on to layers inside."""
    if layer.acts_by_phase is not None:
        return layer.acts_by_phase
    takes = call_signature(type(layer)).training
    return takes and not any(depends_on_phase(inner) for inner in layer._sublayers())


def _spec_of(leaf):
    return jax.ShapeDtypeStruct(np.shape(leaf), jnp.result_type(leaf))

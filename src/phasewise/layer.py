"""Layer: weights, a call that knows its phase, and a config that rebuilds it."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np

from phasewise import (
    constraints,
    initializers,
    masking,
    naming,
    observe,
    phase,
    precision,
    random,
    registry,
    regularizers,
    symbolic,
)
from phasewise.kernels.random_bits import random_bits
from phasewise.layer_losses import added_losses, record_loss
from phasewise.layer_tree import LayerTree
from phasewise.variable import Variable, autocast, eager


class Layer(LayerTree):
    """A function of arrays that owns weights. Subclass it as in Keras: `__init__`, `build`, `call`.

    Args:
        activity_regularizer: callable `output -> scalar` added to the loss, divided by the number of rows.
        trainable: False freezes the layer and every layer in it.
        dtype: a dtype policy by name or object; default `phasewise.dtype_policy()`.
        autocast: whether floating inputs are cast to the policy's compute dtype.
        name: str; one is made from the class name when absent.

    In `call(self, inputs, training=None, mask=None)` both keywords are optional. `training` is True or False when
    `call` runs: the switch has decided (see `phasewise.phase`). Where Keras would lose an explicit `training=` in
    `predict`, it is honoured here.
    """

    freezing_means_inference = False  # True for normalization layers: rule 1 of the switch
    updates_state = False  # True where a call in training moves statistics of the layer
    supports_masking = False

    def __new__(cls, *args, **kwargs):
        layer = super().__new__(cls)
        layer._given = (args, kwargs)
        return layer

    def __init__(self, *, activity_regularizer=None, trainable=True, dtype=None, autocast=True, name=None, **kwargs):
        self.name = str(name) if name is not None else naming.unique_name(type(self).__name__)
        if "/" in self.name:
            raise ValueError(f"A layer's name cannot contain '/': it separates the parts of a path. Got {self.name!r}.")
        self.dtype_policy = precision.resolve(dtype)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.autocast = autocast
        self.built = False
        self.input_spec = None
        self._own_trainable = bool(trainable)
        self._own_variables = []
        self._last_losses = []
        self._nodes = []
        self._input_shape_argument = _input_shape_argument(kwargs)
        if kwargs:
            raise ValueError(_unknown_arguments(type(self), kwargs))

    # -- dtypes

    @property
    def compute_dtype(self):
        """Name of the dtype that the layer computes in."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self):
        """Name of the dtype that the layer stores its weights in."""
        return self.dtype_policy.variable_dtype

    dtype = variable_dtype

    # -- weights

    def add_weight(
        self,
        shape=None,
        initializer=None,
        dtype=None,
        trainable=True,
        autocast=True,
        regularizer=None,
        constraint=None,
        aggregation="none",
        name=None,
    ):
        """Make a weight that the layer owns.

        Args:
            shape: tuple of int; () by default.
            initializer: name or callable; Glorot uniform for floating dtypes, else zeros.
            dtype: name; the policy's variable dtype by default.
            trainable, autocast, regularizer, constraint, name: as in `phasewise.Variable`.
            aggregation: accepted for Keras's sake; arrays that are spread over devices are always global here.

        Returns:
            A `phasewise.Variable`.
        """
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
        return variable

    def build(self, input_shape=None):
        """Make the weights, once, when the shape of the input is known. Override it; the default makes none."""
        self.built = True

    def add_loss(self, loss):
        """Add a scalar (or an array whose sum counts) to the loss of the training step; called from `call`."""
        record_loss(self, loss)

    @property
    def losses(self):
        """The weight regularization terms, and what the last eager call of the layers added."""
        terms = [v.regularizer(jnp.asarray(v.value)) for v in self.trainable_variables if v.regularizer is not None]
        return terms + added_losses(self)

    # -- the call

    def call(self, *args, **kwargs):
        """Compute the output. Override it."""
        raise NotImplementedError(f"{type(self).__name__} has no `call` method: define `call(self, inputs)`.")

    def __call__(self, *args, **kwargs):
        if not hasattr(self, "_own_variables"):
            raise RuntimeError(f"{type(self).__name__}.__init__ did not call super().__init__(): do that first.")
        if symbolic.any_symbolic((args, kwargs)):
            return self._call_symbolic(args, kwargs)
        accepted = _call_parameters(type(self))
        args, kwargs, own = accepted.take_training(args, kwargs)
        args, kwargs = self._prepare((args, kwargs))
        self._check_inputs(args)
        with masking.table(), naming.path_part(self.name), phase.enclosing_call(own):
            self._ensure_built(args, kwargs)
            decision = self.decide(own)
            if accepted.training:
                kwargs["training"] = decision.training
            self._pass_mask(accepted, args, kwargs)
            with observe.call(self, decision), autocast(self._autocast_dtype()):
                outputs = self.call(*args, **kwargs)
            return self._finish(args, kwargs, outputs)

    def decide(self, own=None):
        """The switch's decision for a call of this layer that was given `training=own`."""
        frozen = self.freezing_means_inference and not self.trainable
        return phase.decide(frozen=frozen, own=own)

    def _call_symbolic(self, args, kwargs):
        self._check_inputs(args)
        with naming.path_part(self.name):
            self._ensure_built(args, kwargs)
        outputs = symbolic.record(self, args, kwargs, self.compute_output_spec(*args, **kwargs))
        self._nodes.append((args, outputs))
        return outputs

    @property
    def output(self):
        """The symbolic output of the layer's only call in a graph."""
        return self._only_node()[1]

    @property
    def input(self):
        """The symbolic input of the layer's only call in a graph."""
        args = self._only_node()[0]
        return args[0] if len(args) == 1 else args

    def _only_node(self):
        if len(self._nodes) != 1:
            raise AttributeError(
                f"Layer {self.name!r} has been called {len(self._nodes)} times in a graph, so it has no single input and "
                "output. Keep the tensors that its calls return."
            )
        return self._nodes[0]

    def _autocast_dtype(self):
        return self.compute_dtype if self.autocast and self.compute_dtype != self.variable_dtype else None

    def _prepare(self, structure):
        dtype = jnp.dtype(self.compute_dtype)

        def convert(leaf):
            if isinstance(leaf, Variable):
                leaf = leaf.value
            if isinstance(leaf, np.ndarray | np.generic):
                leaf = _host_array(leaf, self.name)
            if not self.autocast or not isinstance(leaf, np.ndarray | jax.Array):
                return leaf
            if jnp.issubdtype(leaf.dtype, jnp.floating) and leaf.dtype != dtype:
                mask, leaf = masking.of(leaf), leaf.astype(dtype)
                masking.attach(leaf, mask)
            return leaf

        args, kwargs = structure
        if args and isinstance(args[0], list | tuple) and _is_number_list(args[0]):
            args = (np.asarray(args[0]), *args[1:])
        kwargs = {k: v if k in ("mask", "training") else jax.tree.map(convert, v) for k, v in kwargs.items()}
        return jax.tree.map(convert, tuple(args)), kwargs

    def _check_inputs(self, args):
        if self.input_spec is None or not args:
            return
        specs = self.input_spec if isinstance(self.input_spec, list | tuple) else [self.input_spec]
        tensors = jax.tree.leaves(args[0], is_leaf=symbolic.is_symbolic)
        for spec, tensor in zip(specs, tensors):
            complaint = spec.complaint(np.shape(tensor) if not hasattr(tensor, "shape") else tensor.shape)
            if complaint:
                raise ValueError(
                    f"Layer {self.name!r} ({type(self).__name__}) expects {complaint}; got an input of shape "
                    f"{tuple(tensor.shape)}."
                )

    def _ensure_built(self, args, kwargs):
        if self.built:
            return
        with eager():
            shapes = _build_shapes(type(self), args, kwargs)
            self.build(**shapes) if isinstance(shapes, dict) else self.build(*shapes)
        self.built = True

    def _pass_mask(self, accepted, args, kwargs):
        if accepted.mask and kwargs.get("mask") is None and args:
            found = jax.tree.map(masking.of, args[0])
            if jax.tree.leaves(found):
                kwargs["mask"] = found
        elif not accepted.mask and "mask" in kwargs and not accepted.anything:
            mask = kwargs.pop("mask")
            if self.supports_masking:
                masking.attach(args[0], mask)

    def _finish(self, args, kwargs, outputs):
        if self.activity_regularizer is not None:
            for leaf in jax.tree.leaves(outputs):
                record_loss(self, self.activity_regularizer(leaf) / leaf.shape[0])
        if args:
            given = kwargs.get("mask")
            mask = given if given is not None else jax.tree.map(masking.of, args[0])
            if jax.tree.leaves(mask):
                self._propagate_mask(args[0], mask, outputs)
        return outputs

    def _propagate_mask(self, inputs, mask, outputs):
        mask = self.compute_mask(inputs, mask)
        if mask is not None:
            leaves = jax.tree.leaves(outputs)
            masks = [mask] if len(leaves) == 1 and not isinstance(mask, list | tuple) else jax.tree.leaves(mask)
            for leaf, leaf_mask in zip(leaves, masks):
                masking.attach(leaf, leaf_mask)

    def compute_mask(self, inputs, previous_mask):
        """The mask of the output: the input's where the layer supports masking, else none."""
        return previous_mask if self.supports_masking else None

    def draw_key(self, seed=None):
        """A JAX key for this call: a function of the seed, the step and the layer's path."""
        return random.key(naming.path(), seed)

    def draw_bits(self, shape, seed=None):
        """32 random bits for every entry of an array of this shape, by the same rule as `draw_key`, at a tenth of the cost."""
        return random_bits(*random.words(naming.path(), seed), shape)

    def phase_action(self, training, statistics=None):
        """In a few words, what a call does in this phase; what `explain` prints."""
        return "as in training" if training else "as in inference"

    # -- shapes

    def compute_output_spec(self, *args, **kwargs):
        """Structure of objects with `shape` and `dtype` that a call on symbolic tensors would return."""
        if type(self).compute_output_shape is not Layer.compute_output_shape and len(args) == 1:
            shapes = jax.tree.map(lambda t: tuple(t.shape), args[0], is_leaf=symbolic.is_symbolic)
            shape = self.compute_output_shape(shapes)
            return _shapes_to_specs(shape, self.compute_dtype)
        return symbolic.infer(self.__call__, args, kwargs)

    def compute_output_shape(self, input_shape):
        """Shape of the output for an input shape, None for unknown axes; found by tracing `call`, which runs nothing."""
        inputs = _shapes_to_specs(input_shape, self.compute_dtype)
        spec = symbolic.infer(self.__call__, (inputs,), {})
        return jax.tree.map(lambda s: tuple(s.shape), spec, is_leaf=symbolic.is_symbolic)

    # -- config

    def get_config(self):
        """What `from_config` needs to make a layer like this one, weights aside."""
        config = {"name": self.name, "trainable": self._own_trainable, "dtype": self.dtype_policy.name}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = registry.serialize(self.activity_regularizer)
        if type(self).get_config is Layer.get_config and type(self).__init__ is not Layer.__init__:
            config.update(_arguments_as_given(type(self), *self._given))
        return config

    @classmethod
    def from_config(cls, config):
        """A new layer from what `get_config` returned."""
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}{', built' if self.built else ''}>"


class _Accepted:
    """Which of `training` and `mask` a class's `call` takes."""

    def __init__(self, cls):
        parameters = inspect.signature(cls.call).parameters
        self.anything = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self.training = "training" in parameters
        self.mask = "mask" in parameters
        self.names = [n for n in parameters if n not in ("self", "training", "mask")]
        self._place = list(parameters).index("training") - 1 if self.training else None

    def take_training(self, args, kwargs):
        """Splits off `training`, by keyword or by place: `(args, kwargs, training)`, training None or a bool."""
        kwargs = dict(kwargs)
        own = kwargs.pop("training", None)
        if own is None and self._place is not None and len(args) > self._place:
            own, args = args[self._place], args[: self._place]
        return args, kwargs, None if own is None else bool(own)


@functools.cache
def _call_parameters(cls):
    return _Accepted(cls)


def depends_on_phase(layer):
    """True for a layer whose own `call` takes `training` and that does not merely pass it on to layers inside."""
    takes = _call_parameters(type(layer)).training
    return takes and not any(depends_on_phase(inner) for inner in layer.sublayers())


def _build_shapes(cls, args, kwargs):
    """The arguments of `build`: one shape structure, or a dict when `build` names several as `<argument>_shape`."""

    def shape_of(value):
        return jax.tree.map(
            lambda t: tuple(np.shape(t)) if not symbolic.is_symbolic(t) else t.shape,
            value,
            is_leaf=symbolic.is_symbolic,
        )

    wanted = [n for n in inspect.signature(cls.build).parameters if n != "self"]
    names = _call_parameters(cls).names
    if len(wanted) > 1 or (len(wanted) == 1 and wanted[0] != "input_shape" and wanted[0].endswith("_shape")):
        given = {**dict(zip(names, args)), **kwargs}
        return {f"{n}_shape": shape_of(v) for n, v in given.items() if f"{n}_shape" in wanted}
    if not wanted:
        return ()
    first = args[0] if args else next(iter(kwargs.values()), None)
    return (shape_of(first),)


def _shapes_to_specs(shape, dtype):
    if isinstance(shape, tuple | list) and all(n is None or isinstance(n, int | np.integer) for n in shape):
        return symbolic.SymbolicTensor(shape, dtype)
    if isinstance(shape, dict):
        return {k: _shapes_to_specs(v, dtype) for k, v in shape.items()}
    return type(shape)(_shapes_to_specs(s, dtype) for s in shape)


def _host_array(array, layer_name):
    if array.dtype.kind in "OUS":
        raise TypeError(
            f"Layer {layer_name!r} was given an array of dtype {array.dtype}: layers take numbers. Encode strings and "
            "objects as numbers first."
        )
    narrow = {"float64": "float32", "int64": "int32", "uint64": "uint32"}.get(str(array.dtype))
    return array.astype(narrow) if narrow else array


def _is_number_list(value):
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return isinstance(value, int | float | bool | np.number)


def _input_shape_argument(kwargs):
    """Keras lets the first layer of a Sequential carry `input_shape=` or `input_dim=`."""
    if "input_dim" in kwargs:
        return (kwargs.pop("input_dim"),)
    shape = kwargs.pop("input_shape", None)
    return tuple(shape) if shape is not None else None


def _unknown_arguments(cls, kwargs):
    known = [n for n in inspect.signature(cls.__init__).parameters if n not in ("self", "kwargs")]
    known += ["activity_regularizer", "trainable", "dtype", "autocast", "name"]
    name = next(iter(kwargs))
    near = registry.nearest(name, known)
    hint = f" Did you mean {near!r}?" if near else ""
    return f"{cls.__name__} has no argument {name!r}.{hint} It takes: {', '.join(dict.fromkeys(known))}."


def _arguments_as_given(cls, args, kwargs):
    """The constructor's arguments of a class that defines no `get_config`, as the user gave them."""
    bound = inspect.signature(cls.__init__).bind_partial(None, *args, **kwargs).arguments
    given = {}
    for key, value in list(bound.items())[1:]:
        if key == "kwargs":
            given.update(value)
        else:
            given[key] = registry.serialize(value) if hasattr(value, "get_config") or callable(value) else value
    return given

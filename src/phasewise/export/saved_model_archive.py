"""An archive as TensorFlow's SavedModel: a function for each endpoint, and the variables that they share."""

from collections.abc import Mapping
from typing import Any

import jax

from phasewise.export.endpoint import Endpoint
from phasewise.export.saved_model import check_path, polymorphic_shapes, require_tensorflow, tensor_specs
from phasewise.export.tracing import with_open_sizes
from phasewise.files.atomic_folder import folder_written_whole

_DEFAULT = "serving_default"


def write(path: str, endpoints: Mapping[str, Endpoint], collections: Mapping[str, list[Any]], options: Any) -> None:
    """Write the folder, whole or not at all.

    Args:
        path: of the folder. endpoints: by name. collections: variables by the name under which they are found again.
        options: `tf.saved_model.SaveOptions`, or None.

    Raises:
        FileExistsError: there is something else at `path`.
        OSError: it could not be written.
    """
    check_path(path)
    tf = require_tensorflow()
    held, signatures = {}, {}
    served = tf.__internal__.tracking.AutoTrackable()  # a tf.Module has `variables` of its own

    def held_by_tensorflow(variable):
        if id(variable) not in held:
            held[id(variable)] = tf.Variable(variable.numpy(), trainable=variable.trainable, name=variable.name)
        return held[id(variable)]

    for name, each in endpoints.items():
        serve, signatures[name] = _function(tf, each, [held_by_tensorflow(variable) for variable in each.variables])
        setattr(served, name, serve)
    signatures.setdefault(_DEFAULT, next(iter(signatures.values())))
    for name, variables in collections.items():
        setattr(served, name, [held_by_tensorflow(variable) for variable in variables])
    served._held = list(held.values())
    with folder_written_whole(path) as aside:
        tf.saved_model.save(served, aside, signatures=signatures, options=options)


def _function(tf, each, values):
    """An endpoint as a `tf.function`, and its signature by the names of inputs and outputs."""
    inference = each.inference

    def traced(specs, bounds):
        return _converted(tf, each, values, specs, bounds)

    return with_open_sizes(inference.signature, traced)


def _converted(tf, each, values, specs, bounds):
    from jax.experimental import jax2tf

    inference, own = each.inference, dict(each.options.get("jax2tf_kwargs") or {})
    options = {"with_gradient": False, "polymorphic_constraints": bounds, **own}
    options.setdefault("polymorphic_shapes", [None, polymorphic_shapes(specs)])
    converted = jax2tf.convert(each.function, **options)
    named, tree = tensor_specs(tf, inference, specs), inference.signature.tree

    def on_inputs(inputs):
        return converted([tf.convert_to_tensor(value) for value in values], inputs)

    def by_arguments(*arguments):
        return on_inputs(each.of_arguments(arguments))

    def by_name(**inputs):
        outputs = on_inputs(jax.tree.unflatten(tree, [inputs[spec.name] for spec in named]))
        return dict(zip(inference.output_names, jax.tree.leaves(outputs)))

    described = jax.tree.unflatten(tree, named)
    arguments = [described] if each.arguments == 1 else list(described)
    serve = tf.function(by_arguments, autograph=False, input_signature=arguments)
    signature = tf.function(by_name, autograph=False)
    return serve, signature.get_concrete_function(**{spec.name: spec for spec in named})

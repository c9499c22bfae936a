"""TensorFlow's SavedModel, by jax2tf, where TensorFlow is."""

import os
from collections.abc import Mapping
from typing import Any

import jax

from phasewise.core.types import Nest
from phasewise.export.inference import Inference
from phasewise.export.tracing import with_open_sizes
from phasewise.files.atomic_folder import folder_written_whole

MARK = "saved_model.pb"


def write(
    path: str | os.PathLike[str],
    inference: Inference,
    is_static: bool = True,
    jax2tf_kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Write the folder, whole or not at all: `tf.saved_model.load(path).serve(inputs)`, and for TensorFlow Serving the signature
    "serving_default", which takes and gives tensors by their names.

    Args:
        path: of the folder; a SavedModel that is there is replaced.
        inference: what it computes.
        is_static: as in Keras; a program here never changes state, so that True alone is meant.
        jax2tf_kwargs: further arguments of `jax2tf.convert`.

    Raises:
        ImportError: TensorFlow is not installed.
        ValueError: something is drawn; `is_static` is False.
        FileExistsError: there is something else at `path`.
    """
    if inference.draws:
        raise ValueError(
            f"{inference.name!r} draws random numbers in inference, and a SavedModel would draw the same ones at every call. Export it to "
            "'stablehlo', whose programs take a seed."
        )
    if not is_static:
        raise ValueError("An exported program changes no state: leave is_static=False out.")
    path = os.fspath(path)
    check_path(path)
    tf = require_tensorflow()
    module, signature = with_open_sizes(
        inference.signature,
        lambda specs, bounds: _module(
            tf, inference, specs, {"polymorphic_constraints": bounds, **(jax2tf_kwargs or {})}
        ),
    )
    with folder_written_whole(path) as aside:
        tf.saved_model.save(module, aside, signatures={"serving_default": signature})
    return module


def require_tensorflow() -> Any:
    """TensorFlow.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import tensorflow

        return tensorflow
    except ImportError as error:
        raise ImportError(
            f"Export to 'tf_saved_model' needs TensorFlow, which is not installed here ({error}): pip install tensorflow. Without it, export "
            "to 'stablehlo' (JAX alone) or 'onnx' (onnxruntime)."
        ) from error


def tensor_specs(tf: Any, inference: Inference, specs: Nest) -> list[Any]:
    """The inputs as TensorFlow describes them, in the order of the leaves."""
    return [
        tf.TensorSpec([None if not isinstance(n, int) else n for n in spec.shape], str(spec.dtype), name=slot.name)
        for slot, spec in zip(inference.signature.slots, jax.tree.leaves(specs))
    ]


def polymorphic_shapes(specs: Nest) -> Nest:
    """Their shapes with the sizes that are left open, in jax2tf's words."""
    return jax.tree.map(lambda spec: f"({', '.join(map(str, spec.shape))}{',' if len(spec.shape) == 1 else ''})", specs)


def check_path(path: str) -> None:
    """Raises FileExistsError where there is something at `path` that is no SavedModel."""
    if os.path.exists(path) and not os.path.isfile(os.path.join(path, MARK)):
        raise FileExistsError(f"{path!r} is no SavedModel, so it is not replaced. Give another path.")


def _module(tf, inference, specs, options):
    """A `tf.Module` with `serve`, and its signature by names."""
    from jax.experimental import jax2tf

    named, shapes = tensor_specs(tf, inference, specs), polymorphic_shapes(specs)
    options = {"with_gradient": False, "polymorphic_shapes": [shapes], **options}
    converted = jax2tf.convert(inference.function, **options)
    module = tf.Module()
    tree = inference.signature.tree
    module.serve = tf.function(converted, autograph=False, input_signature=[jax.tree.unflatten(tree, named)])

    def by_name(**inputs):
        outputs = converted(jax.tree.unflatten(tree, [inputs[spec.name] for spec in named]))
        return dict(zip(inference.output_names, jax.tree.leaves(outputs)))

    signature = tf.function(by_name, autograph=False)
    return module, signature.get_concrete_function(**{spec.name: spec for spec in named})

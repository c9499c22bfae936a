"""ExportArchive: several functions of models, and variables beside them, written for serving in one folder."""

import os
from collections.abc import Callable, Collection
from typing import Any

import jax

import phasewise.export.saved_model as saved_model
import phasewise.export.saved_model_archive as saved_model_archive
import phasewise.export.stablehlo_folder as stablehlo_folder
from phasewise.core.registry import did_you_mean, one_of
from phasewise.core.types import Nest
from phasewise.core.variable import Variable
from phasewise.export.endpoint import Endpoint, endpoint
from phasewise.layer.layer import Layer

FORMATS = ("saved_model", "stablehlo")
OPTIONS = {"saved_model": {"is_static", "jax2tf_kwargs"}, "stablehlo": {"platforms"}}


class ExportArchive:
    """Functions of models as programs for serving, in one folder: each under a name, weights inside, and no layer or phase needed any more.

        archive = ExportArchive(format="stablehlo")
        archive.track_and_add_endpoint("serve", model, [phasewise.InputSpec(shape=(None, 3))])
        archive.add_endpoint("sample", lambda x: model(x, training=True), [phasewise.InputSpec(shape=(None, 3))])
        archive.add_variable_collection("table", [model.layers[0].kernel])
        archive.write_out("folder")

        served = phasewise.export.load("folder")
        served.serve(x), served.table

    Args:
        format: "saved_model", for TensorFlow (which has to be installed): `tf.saved_model.load(folder).serve(x)`, and for TensorFlow Serving a
            signature for each endpoint, the first one's as "serving_default" too. Or "stablehlo", a folder with a file NAME.stablehlo for each,
            as `Model.export` writes it, which JAX alone opens.

    Attributes:
        variables, trainable_variables, non_trainable_variables: those of what was tracked.

    A program has the weights that its function read when the endpoint was added, and changes none: unlike in Keras, an endpoint that would
    update moving statistics, or assign any other variable, is refused. One that draws takes a seed beside the inputs; it cannot be a SavedModel.

    Raises:
        ValueError: an unknown format.
        ImportError: "saved_model", and TensorFlow is not installed.
    """

    def __init__(self, format: str = "saved_model"):
        self.format = one_of("ExportArchive", "format", format, FORMATS)
        if format == "saved_model":
            saved_model.require_tensorflow()
        self._endpoints: dict[str, Endpoint] = {}
        self._collections: dict[str, list[Variable]] = {}
        self.variables: list[Variable] = []

    @property
    def trainable_variables(self) -> list[Variable]:
        """Of what was tracked, those that gradients update."""
        return [variable for variable in self.variables if variable.trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """Of what was tracked, the others."""
        return [variable for variable in self.variables if not variable.trainable]

    def track(self, resource: Layer) -> None:
        """Have a SavedModel hold the variables of a layer or model, as `variables`, `trainable_variables` and `non_trainable_variables`. What
        endpoints read needs no tracking.

        Raises:
            ValueError: it is neither, or has no variables yet.
        """
        if not isinstance(resource, Layer):
            raise ValueError(f"ExportArchive tracks layers and models; got {resource!r}.")
        if not resource.built:
            raise ValueError(
                f"{resource.name!r} has no variables yet: call it on data, or build it, before it is tracked."
            )
        known = set(map(id, self.variables))
        self.variables += [variable for variable in resource.variables if id(variable) not in known]

    def add_endpoint(
        self, name: str, fn: Callable[..., Nest], input_signature: Any = None, **kwargs: Any
    ) -> Callable[..., Nest]:
        """Put a function in.

        Args:
            name: under which it is served.
            fn: function of arrays, which may call layers and models; or one of these. Layers are in inference, unless `fn` says otherwise
                (`lambda x: model(x, training=True)`).
            input_signature: a list of what each argument is: `phasewise.InputSpec`s, arrays, symbolic tensors, and lists and dicts of them; None
                for a size that is left open. Only for a built model it can be left out.
            kwargs: "saved_model": `jax2tf_kwargs`. "stablehlo": `platforms`, some of "cpu", "cuda", "rocm", "tpu".

        Returns:
            What is served, as a function of the same arguments, and of `seed` where something is drawn.

        Raises:
            ValueError: the name is taken or is none; nothing says what `fn` takes; it keeps something from batch to batch, assigns variables,
                or begins with layers of strings.
            TypeError: an option that the format does not take.
        """
        self._check_name(name)
        if not callable(fn):
            raise ValueError(f"The endpoint {name!r} is a function, a layer or a model; got {fn!r}.")
        for option in kwargs:
            if option not in OPTIONS[self.format]:
                raise TypeError(
                    f"add_endpoint to an archive of the format {self.format!r} takes no {option!r}."
                    f"{did_you_mean(option, OPTIONS[self.format])}"
                )
        made = endpoint(name, fn, input_signature, kwargs)
        if made.inference.draws and self.format == "saved_model":
            raise ValueError(
                f"The endpoint {name!r} draws random numbers, and a SavedModel would draw the same ones at every call. Use "
                "ExportArchive(format='stablehlo'), whose programs take a seed."
            )
        self._endpoints[name] = made
        return _on_arguments(made)

    def track_and_add_endpoint(
        self, name: str, resource: Layer, input_signature: Any = None, **kwargs: Any
    ) -> Callable[..., Nest]:
        """`track` and `add_endpoint` of a layer or model. Arguments, result and errors are theirs."""
        added = self.add_endpoint(name, resource, input_signature, **kwargs)
        self.track(resource)
        return added

    def add_variable_collection(self, name: str, variables: Collection[Variable]) -> None:
        """Put variables beside the endpoints: once it is loaded the archive has a list of their values under this name.

        Args:
            name: not that of an endpoint.
            variables: list, tuple or set of variables.

        Raises:
            ValueError: the name is taken or is none; or something is no variable.
        """
        self._check_name(name)
        if not isinstance(variables, list | tuple | set) or not all(isinstance(each, Variable) for each in variables):
            raise ValueError(f"The collection {name!r} is a list of variables; got {variables!r}.")
        self._collections[name] = list(variables)

    def write_out(self, filepath: str | os.PathLike[str], options: Any = None, verbose: bool = True) -> None:
        """Write the folder, whole or not at all; an archive of this format that is there is replaced.

        Args:
            filepath: path of the folder.
            options: "saved_model": `tf.saved_model.SaveOptions`.
            verbose: whether the endpoints are printed.

        Raises:
            ValueError: there is no endpoint; or a layer needs a size that is left open.
            FileExistsError: something else is at `filepath`.
            OSError: it could not be written.
        """
        if not self._endpoints:
            raise ValueError("The archive has no endpoint yet: call add_endpoint first.")
        path = os.fspath(filepath)
        if self.format == "saved_model":
            tracked = {
                "trainable_variables": self.trainable_variables,
                "non_trainable_variables": self.non_trainable_variables,
            }
            collections = {**({"variables": self.variables, **tracked} if self.variables else {}), **self._collections}
            saved_model_archive.write(path, self._endpoints, collections, options)
        elif options is not None:
            raise ValueError(f"write_out takes options of the format 'saved_model' alone; got {options!r}.")
        else:
            stablehlo_folder.write(path, self._endpoints, self._collections)
        if verbose:
            lines = [f"  {name}: {_told(each)}" for name, each in self._endpoints.items()]
            print("\n".join([f"Saved {path!r} ({self.format}), which has the endpoints", *lines]))

    def _check_name(self, name):
        taken = {*self._endpoints, *self._collections, "variables", "trainable_variables", "non_trainable_variables"}
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            raise ValueError(
                f"What is in an archive has a name such as 'serve', made of letters, digits and '_'; got {name!r}."
            )
        if name in taken or name in ("endpoints", "collections", "signatures"):
            raise ValueError(f"The archive has {name!r} already. Give another name.")


def _on_arguments(made):
    values = [variable._value for variable in made.variables]
    run = jax.jit(lambda arguments, *seed: made.function(values, made.of_arguments(arguments), *seed))

    def serve(*arguments, seed=None):
        return run(arguments, *([] if seed is None else [seed]))

    return serve


def _told(made):
    taken = ", ".join(f"{slot.name} {slot.dtype}{list(slot.shape)!s}" for slot in made.inference.signature.slots)
    return f"{taken} -> {', '.join(made.inference.output_names)}"

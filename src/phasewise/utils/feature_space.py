"""FeatureSpace: the columns of a table made ready for a network."""

import os
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Self

from phasewise.core.describing import serialize_keras_object
from phasewise.core.registry import did_you_mean, one_of, register
from phasewise.core.types import Array, Config
from phasewise.data import Dataset
from phasewise.graph.symbolic import any_symbolic
from phasewise.layer.layer import Layer
from phasewise.layers import (
    CategoryEncoding,
    Concatenate,
    Discretization,
    HashedCrossing,
    Hashing,
    Input,
    IntegerLookup,
    StringLookup,
)
from phasewise.models.model_on_file import ModelOnFile
from phasewise.utils.columns import array_of, as_rows, column_of
from phasewise.utils.features import KINDS, Cross, Feature, KindsOfFeature, made_again


@register("feature space")
class FeatureSpace(KindsOfFeature, ModelOnFile, Layer):
    """Makes the columns of a table ready for a network: numbers scaled, categories as vectors, columns crossed.

    Args:
        features: dict of names of columns and what they are: a name ("float", "float_normalized", "float_rescaled",
            "float_discretized", "integer_categorical", "string_categorical", "integer_hashed", "string_hashed"), or what the method of
            that name returns, such as `FeatureSpace.string_categorical(max_tokens=10)`, or `FeatureSpace.feature(...)`.
        output_mode: "concat", for one vector a row, the columns in the order of their names and the crosses behind them; or "dict".
        crosses: list of tuples of names, or of `FeatureSpace.cross(...)`.
        crossing_dim, hashing_dim, num_discretization_bins: buckets of crosses, of hashed columns and of discretized ones that do not say.
        name: str.

    Columns whose layers learn from data need `adapt` first. Then the space is called on a dict of rows (or of one row), in a
    `Dataset.map` too, or is part of a model: `Model(space.get_inputs(), network(space.get_encoded_features()))`. `save` and
    `phasewise.saving.load_model` keep it with what it has learnt.

    Attributes:
        preprocessors, crossers: dicts of the layers.

    Raises:
        ValueError: an unknown kind of feature or column, or arguments that do not fit.
    """

    def __init__(
        self,
        features: Mapping[str, Any],
        output_mode: str = "concat",
        crosses: Sequence[Any] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not features:
            raise ValueError("FeatureSpace needs features: a dict of the names of columns and what they are; got none.")
        self.crossing_dim, self.hashing_dim, self.num_discretization_bins = (
            crossing_dim,
            hashing_dim,
            num_discretization_bins,
        )
        self.features = {column: self._feature(column, made_again(each)) for column, each in features.items()}
        self.crosses = [self._cross(made_again(each)) for each in crosses or ()]
        self.output_mode = one_of("FeatureSpace", "output_mode", output_mode, ("concat", "dict"))
        self.inputs = {column: Input((1,), dtype=each.dtype, name=column) for column, each in self.features.items()}
        self.preprocessors = {column: each.preprocessor for column, each in self.features.items()}
        self.crossers = {each.name: HashedCrossing(each.crossing_dim, name=each.name) for each in self.crosses}
        self.one_hot_encoders = {}
        self.concat = Concatenate(axis=-1)
        self._encoded = None
        self._has_seen_data = False

    def _feature(self, column, kind):
        if isinstance(kind, Feature):
            return kind
        kind = one_of("FeatureSpace", f"feature {column!r}", kind, KINDS)
        sizes = {"float_discretized": self.num_discretization_bins}
        sizes |= dict.fromkeys(("integer_hashed", "string_hashed"), self.hashing_dim)
        return getattr(self, kind)(*([sizes[kind]] if kind in sizes else []), name=column)

    def _cross(self, given):
        cross = given if isinstance(given, Cross) else Cross(given, self.crossing_dim)
        for column in cross.feature_names:
            if column not in self.features:
                raise ValueError(
                    f"The cross {cross.feature_names} speaks of {column!r}, which is none of the features."
                    f"{did_you_mean(column, self.features)}"
                )
        return cross

    # -- learning from data

    def adapt(self, dataset: Dataset | Mapping[str, Any]) -> None:
        """Let the layers learn from data.

        Args:
            dataset: a `Dataset` of dicts, single rows or batches, or a dict of arrays or lists.

        Raises:
            ValueError: it is something else, or lacks a column.
        """
        if not isinstance(dataset, Dataset | Mapping):
            raise ValueError(f"FeatureSpace adapts to a Dataset of dicts or to a dict of arrays; got {dataset!r}.")
        for column, feature in self.features.items():
            if feature.has_to_adapt:
                feature.preprocessor.adapt(column_of(dataset, column))
        self._has_seen_data, self._encoded = True, None
        self.one_hot_encoders.clear()
        self.get_encoded_features()

    def _require_data(self):
        told = self._has_seen_data
        waiting = [name for name, each in self.features.items() if each.has_to_adapt and not each.has_learnt(told)]
        if waiting:
            raise ValueError(
                f"The features {', '.join(waiting)} learn from data: call adapt(dataset) of the FeatureSpace first."
            )

    # -- use

    def get_inputs(self) -> dict[str, Any]:
        """The columns as inputs of a model, each (rows, 1).

        Raises:
            ValueError: `adapt` has not been called.
        """
        self._require_data()
        return self.inputs

    def get_preprocessed_features(self) -> dict[str, Any]:
        """What the layers return for the inputs, by column, before it is crossed and encoded.

        Raises:
            ValueError: `adapt` has not been called.
        """
        self._require_data()
        return self._preprocessed(self.inputs)

    def get_encoded_features(self) -> Any:
        """The output for the inputs: one tensor, or a dict of them.

        Raises:
            ValueError: `adapt` has not been called; or a feature cannot be encoded as it is asked for.
        """
        if self._encoded is None:
            self._require_data()
            self._encoded = self._merged(self._preprocessed(self.inputs))
            self.built = True
        return self._encoded

    def __call__(self, data: Mapping[str, Any]) -> Array | dict[str, Array]:
        """The output for a dict of columns: arrays or lists of rows, (rows,) or (rows, 1); or one row, of scalars.

        Raises:
            ValueError: `data` is no dict, or lacks a column; `adapt` has not been called.
        """
        self.get_encoded_features()
        if not isinstance(data, Mapping):
            raise ValueError(f"A FeatureSpace is called on a dict of columns; got {type(data).__name__}.")
        missing = [column for column in self.features if column not in data]
        if missing:
            raise ValueError(
                f"The FeatureSpace needs the columns {', '.join(map(repr, missing))}; got {', '.join(data)}."
            )
        if any_symbolic(data):
            return self._merged(self._preprocessed(data))
        arrays = {column: array_of(data[column], self.features[column].dtype) for column in self.features}
        is_one_row = any(array.ndim == 0 for array in arrays.values())
        merged = self._merged(self._preprocessed({column: as_rows(array) for column, array in arrays.items()}))
        if not is_one_row:
            return merged
        return {name: each[0] for name, each in merged.items()} if isinstance(merged, dict) else merged[0]

    def _preprocessed(self, data):
        return {column: self.preprocessors[column](data[column]) for column in self.features}

    def _merged(self, features):
        parts = {
            column: self._encoded_as(column, self.features[column], features[column]) for column in sorted(features)
        }
        for cross in sorted(self.crosses, key=lambda each: each.name):
            crossed = self.crossers[cross.name]([features[column] for column in cross.feature_names])
            parts[cross.name] = self._encoded_as(cross.name, cross, crossed)
        if self.output_mode == "dict":
            return parts
        for name, part in parts.items():
            if not str(part.dtype).startswith(("float", "bfloat")):
                raise ValueError(
                    f"The feature {name!r} is {part.dtype} and no vector of numbers, so it cannot be joined with others. Use "
                    "output_mode='dict', or encode it as 'one_hot'."
                )
        return self.concat(list(parts.values())) if len(parts) > 1 else next(iter(parts.values()))

    def _encoded_as(self, name, feature, value):
        if feature.output_mode != "one_hot":
            return value
        if name not in self.one_hot_encoders:
            self.one_hot_encoders[name] = CategoryEncoding(
                num_tokens=self._categories(name, value), output_mode="multi_hot"
            )
        return self.one_hot_encoders[name](value)

    def _categories(self, name, value):
        """How many values a feature can take."""
        layer = self.crossers.get(name) or self.preprocessors[name]
        if str(value.dtype).startswith(("int", "uint")):
            if isinstance(layer, IntegerLookup | StringLookup):
                return layer.vocabulary_size()
            if isinstance(layer, Discretization):
                return max(
                    len(layer.bin_boundaries) + 1, layer.num_bins or 0
                )  # of many equal numbers there are fewer bins
            if isinstance(layer, HashedCrossing | Hashing):
                return layer.num_bins
            if isinstance(layer, CategoryEncoding):
                return layer.num_tokens
        raise ValueError(
            f"The feature {name!r} cannot be encoded as 'one_hot': {type(layer).__name__} does not say how many integers it can return "
            f"(its output is {value.dtype}). Use output_mode='int' or 'float' for it."
        )

    # -- description

    def get_config(self) -> Config:
        """The arguments; layers with what they have learnt, as far as their configs tell it."""
        return {
            "features": serialize_keras_object(self.features),
            "output_mode": self.output_mode,
            "crosses": serialize_keras_object(self.crosses),
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
            "name": self.name,
        }

    def get_build_config(self) -> Config:
        """The shapes that the columns' layers were built for, by column: of one that does not say a column's own."""
        own = {"input_shape": (None, 1)}
        return {
            column: layer.get_build_config() or (own if layer.built else None)
            for column, layer in self.preprocessors.items()
        }

    def build_from_config(self, config: Config) -> None:
        """Build the columns' layers, so that a file can give them what they had learnt.

        Raises:
            ValueError: `config` speaks of other columns.
        """
        for column, shapes in config.items():
            if column not in self.preprocessors:
                raise ValueError(
                    f"Its build_config speaks of the column {column!r}, which is none of its features."
                    f"{did_you_mean(column, self.preprocessors)}"
                )
            layer = self.preprocessors[column]
            if shapes and not layer.built:
                layer.build_from_config(shapes)

    # -- in a file

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, zipped: bool | None = None) -> None:
        """Write the space to a `.keras` file, with what it has learnt; `phasewise.saving.load_model` and Keras 3 open it.

        Args:
            filepath, overwrite, zipped: as of `Model.save`.

        Raises:
            ValueError: it has not been adapted yet (Keras writes a file that it cannot open); another ending; or a feature's layer
                cannot be described.
            FileExistsError: there is a file, and `overwrite` is False.
            OSError: it could not be written.
        """
        self._require_data()
        super().save(filepath, overwrite, zipped)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Nothing: what there is to keep is the columns' layers'."""

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """The columns' layers are given what a file has of them."""
        self._has_seen_data = True

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new space of new layers."""
        return cls(**config)

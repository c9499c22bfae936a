"""Features of a table, and how each is made ready for a network."""

from collections.abc import Mapping, Sequence
from typing import Any

from phasewise.core import naming
from phasewise.core.arguments import check_count
from phasewise.core.describing import serialize_keras_object
from phasewise.core.registry import Configurable, one_of, register
from phasewise.core.restoring import deserialize_keras_object
from phasewise.core.types import Config
from phasewise.layer.layer import Layer
from phasewise.layers import (
    Discretization,
    Hashing,
    Identity,
    IntegerLookup,
    Normalization,
    Rescaling,
    StringLookup,
    TextVectorization,
)

KINDS = (
    "float",
    "float_normalized",
    "float_rescaled",
    "float_discretized",
    "integer_categorical",
    "string_categorical",
    "integer_hashed",
    "string_hashed",
)


PART = "part of a feature space"


@register(PART)
class TFDIdentity(Identity):
    """The identity, under the name that Keras's files have for the layer of a feature that stays as it is."""


@register(PART)
class Feature(Configurable):
    """One column.

    Args:
        dtype: of what comes in: "float32", "int32" or "string".
        preprocessor: the layer that takes it, or its config.
        output_mode: "int" or "float", for what the layer returns, or "one_hot", for integers that become vectors.

    Raises:
        ValueError: an unknown `output_mode`.
        TypeError: `preprocessor` is no layer.
    """

    def __init__(self, dtype: str, preprocessor: Layer | Mapping[str, Any], output_mode: str):
        self.dtype = dtype
        self.preprocessor = (
            deserialize_keras_object(preprocessor) if isinstance(preprocessor, Mapping) else preprocessor
        )
        if not isinstance(self.preprocessor, Layer):
            raise TypeError(f"A feature's preprocessor is a layer; got {preprocessor!r}.")
        self.output_mode = one_of("A feature", "output_mode", output_mode, ("int", "one_hot", "float"))

    def get_config(self) -> Config:
        """The arguments."""
        return {
            "dtype": self.dtype,
            "preprocessor": serialize_keras_object(self.preprocessor),
            "output_mode": self.output_mode,
        }

    @property
    def has_to_adapt(self) -> bool:
        """Whether the layer has to look at data first, and was not given what it would find there."""
        layer = self.preprocessor
        if isinstance(layer, Normalization):
            return layer.input_mean is None
        if isinstance(layer, Discretization):
            return layer.num_bins is not None
        if isinstance(layer, IntegerLookup | StringLookup | TextVectorization):
            return not layer._is_given
        return hasattr(layer, "adapt")

    def has_learnt(self, is_told: bool) -> bool:
        """Whether the layer has looked at data.

        Args:
            is_told: whether the space was adapted or comes from a file, which is all there is to know where a layer does not show it.
        """
        layer = self.preprocessor
        if isinstance(layer, Normalization):
            return (is_told and layer.built) or layer.is_adapted
        if isinstance(layer, Discretization):
            return layer.bin_boundaries is not None
        if isinstance(layer, IntegerLookup | StringLookup | TextVectorization):
            return bool(layer.get_vocabulary(include_special_tokens=False))
        return is_told


@register(PART)
class Cross(Configurable):
    """Several columns taken together, hashed.

    Args:
        feature_names: which, at least two.
        crossing_dim: how many buckets there are.
        output_mode: "one_hot", or "int" for the number of the bucket.

    Raises:
        ValueError: fewer than two names, an unknown `output_mode`, or a `crossing_dim` that is no positive integer.
    """

    def __init__(self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"):
        if isinstance(feature_names, str) or len(feature_names) < 2:
            raise ValueError(f"A cross takes a tuple of at least two names of features; got {feature_names!r}.")
        self.feature_names = tuple(feature_names)
        self.crossing_dim = check_count("A cross", "crossing_dim", crossing_dim)
        self.output_mode = one_of("A cross", "output_mode", output_mode, ("int", "one_hot"))

    @property
    def name(self) -> str:
        """The names of the columns, joined by "_X_"."""
        return "_X_".join(self.feature_names)


class KindsOfFeature:
    """How each kind of feature is made; "name" is that of its layer."""

    @classmethod
    def cross(cls, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """Several columns taken together, hashed into `crossing_dim` buckets."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Layer, output_mode: str) -> Feature:
        """A column with a layer of one's own."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Numbers as they are."""
        return Feature("float32", TFDIdentity(dtype="float32", name=_named(name, "float")), "float")

    @classmethod
    def float_rescaled(cls, scale: float = 1.0, offset: float = 0.0, name: str | None = None) -> Feature:
        """scale * x + offset."""
        return Feature("float32", Rescaling(scale, offset, name=_named(name, "float_rescaled")), "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Mean 0 and variance 1, by what `adapt` sees."""
        return Feature("float32", Normalization(axis=-1, name=_named(name, "float_normalized")), "float")

    @classmethod
    def float_discretized(
        cls,
        num_bins: int | None,
        bin_boundaries: Sequence[float] | None = None,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """The bin that a number lies in: between boundaries that are given, or of `num_bins` that `adapt` finds."""
        layer = Discretization(
            bin_boundaries=bin_boundaries,
            num_bins=num_bins if bin_boundaries is None else None,
            name=_named(name, "float_discretized"),
        )
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """The place of an integer in the vocabulary that `adapt` finds."""
        layer = IntegerLookup(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, name=_named(name, "integer_categorical")
        )
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """The place of a string in the vocabulary that `adapt` finds."""
        layer = StringLookup(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, name=_named(name, "string_categorical")
        )
        return Feature("string", layer, output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """The bucket of an integer's hash."""
        return Feature("int32", Hashing(num_bins, name=_named(name, "integer_hashed")), output_mode)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """The bucket of a string's hash."""
        return Feature("string", Hashing(num_bins, name=_named(name, "string_hashed")), output_mode)


def made_again(item: Any) -> Any:
    """A feature or a cross from the config of one, ours or Keras's; anything else as it is.

    Raises:
        ValueError: the config is that of something else.
    """
    if not isinstance(item, Mapping):
        return item
    made = deserialize_keras_object(item)
    if not isinstance(made, Feature | Cross):
        raise ValueError(
            f"A config of a FeatureSpace speaks of Feature and Cross; got class_name {item.get('class_name')!r}."
        )
    return made


def _named(name, kind):
    return f"{name or naming.unique_name(kind)}_preprocessor"

"""save_model, save_weights, load_weights: a model's methods as functions, as Keras has them."""

import os
from typing import Any

from phasewise.models.model import Model


def save_model(
    model: Model, filepath: str | os.PathLike[str], overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """`model.save(filepath, overwrite, zipped)`."""
    model.save(filepath, overwrite=overwrite, zipped=zipped, **kwargs)


def save_weights(
    model: Model, filepath: str | os.PathLike[str], overwrite: bool = True, max_shard_size: float | None = None
) -> None:
    """`model.save_weights(filepath, overwrite, max_shard_size)`."""
    model.save_weights(filepath, overwrite=overwrite, max_shard_size=max_shard_size)


def load_weights(model: Model, filepath: str | os.PathLike[str], skip_mismatch: bool = False, **kwargs: Any) -> Any:
    """`model.load_weights(filepath, skip_mismatch)`."""
    return model.load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)

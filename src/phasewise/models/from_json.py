"""Models from text."""

import json
from collections.abc import Mapping
from typing import Any

from phasewise.core.restoring import deserialize, opening, scope_of
from phasewise.models.model import Model


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """The model, with new weights, that `to_json` of ours or of Keras's wrote.

    Args:
        json_string: the text.
        custom_objects: dict of name -> class or function, for names that are not registered.

    Raises:
        TypeError: it is no text.
        ValueError: it is no JSON, or describes no model.
    """
    if not isinstance(json_string, str | bytes):
        raise TypeError(f"model_from_json takes text, as to_json returns; got {type(json_string).__name__}.")
    try:
        config = json.loads(json_string)
    except RecursionError:
        raise ValueError("The text is nested deeper than Python can go: no model's config is.") from None
    except ValueError as error:
        raise ValueError(f"The text is no JSON: {error}. model_from_json takes what to_json returns.") from None
    if not isinstance(config, dict):
        raise ValueError(
            f"The text describes no model: a dict was expected, with 'class_name' and 'config'; got {config!r:.100}."
        )
    with scope_of(custom_objects), opening(config):
        model = deserialize("layer", config)
    if not isinstance(model, Model):
        raise ValueError(
            f"The text describes a {type(model).__name__}, which is a layer and no model: layers.deserialize makes it."
        )
    return model

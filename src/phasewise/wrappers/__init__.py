"""Models as estimators of scikit-learn. It is imported when one of the names here is first asked for."""

import importlib
from typing import Any

from phasewise.core.registry import near_names

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]

_FILES = {"SKLearnClassifier": "classifier", "SKLearnRegressor": "regressor", "SKLearnTransformer": "transformer"}
_miss = near_names("phasewise.wrappers")


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        return _miss(name)
    try:
        importlib.import_module("sklearn")
    except ImportError:
        raise ImportError(f"{name} needs scikit-learn, which is not installed: pip install scikit-learn") from None
    item = getattr(importlib.import_module(f"phasewise.wrappers.{_FILES[name]}"), name)
    globals()[name] = item
    return item


def __dir__() -> list[str]:
    return __all__

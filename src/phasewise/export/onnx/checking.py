"""An ONNX program held against the model that it was made of."""

from typing import Any

import jax
import numpy as np

from phasewise.export.inference import Inference

ROWS = (2, 3)  # of the batches on which both are asked, so that a size which became a constant is found
OPEN_SIZES = (20, 24)  # of sizes that are left open, on each


def difference(inference: Inference, content: bytes) -> float:
    """The largest difference between onnxruntime's outputs and the model's on random inputs, as a part of the largest output.

    Not a number in the one and a number in the other is infinitely different.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    function = jax.jit(inference.function)
    generator = np.random.default_rng(0)
    worst = 0.0
    for rows, size in zip(ROWS, OPEN_SIZES):
        leaves = [_drawn(generator, spec) for spec in jax.tree.leaves(inference.signature.example(size, rows))]
        wanted = jax.tree.leaves(function(jax.tree.unflatten(inference.signature.tree, leaves)))
        names = [each.name for each in session.get_inputs()]
        found = session.run(None, dict(zip(names, leaves, strict=True)))
        worst = max([worst, *(_part(np.asarray(a), np.asarray(b)) for a, b in zip(found, wanted, strict=True))])
    return worst


def _part(found, wanted):
    if found.shape != wanted.shape:
        return np.inf
    found, wanted = found.astype(np.float64), wanted.astype(np.float64)
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    if same.all():
        return 0.0
    largest = np.abs(np.where(np.isfinite(wanted), wanted, 0)).max(initial=0)
    apart = np.abs(found - wanted)[~same].max()
    return float(apart / max(largest, 1e-30)) if np.isfinite(apart) else np.inf


def _drawn(generator: Any, spec: Any) -> np.ndarray:
    if np.issubdtype(spec.dtype, np.integer) or spec.dtype == np.bool_:
        return generator.integers(0, 2, spec.shape).astype(spec.dtype)
    return generator.standard_normal(spec.shape, np.float32).astype(spec.dtype)

"""How phasewise compiles: `jax.jit` with the options that were measured to be best for the device and the model's size."""

import ctypes
import sys

import jax
import numpy as np

# On a CPU, XLA's older emitters compile a training step of a few layers in two thirds of the time, and its programs are as fast
# while the model has a few thousand weights; at 150,000 a step takes a third longer. But they compile equal code again and
# again: from some thirty arrays on the newer ones are ahead, of 300 layers by a factor of three.
FEW_WEIGHTS, FEW_ARRAYS = 20_000, 32

# What LLVM does beyond its first level takes up to half of the time of compiling, and no program of the benchmark ran faster for it:
# what there is to gain, XLA has done before.
LLVM_LEVEL = 1


def compiled(function, variables, *, in_place=False, **kwargs):
    """`jax.jit(function, **kwargs)` for the default device.

    Args:
        variables: the weights that the program runs on: a small model is compiled quickly.
        in_place: whether it writes over large arguments: XLA then looks harder for copies that need not be.
    """
    is_small = len(variables) <= FEW_ARRAYS and sum(int(np.prod(v.shape)) for v in variables) <= FEW_WEIGHTS
    options = None
    if jax.default_backend() == "cpu":
        options = {
            "xla_cpu_use_fusion_emitters": not is_small,
            "xla_cpu_copy_insertion_use_region_analysis": in_place,
            "xla_backend_optimization_level": LLVM_LEVEL,
        }
    return jax.jit(function, compiler_options=options, **kwargs)


def hand_back_memory():
    """What compiling has used and freed goes back to the system (Linux): else it stays beside the arrays of a large model."""
    trim = (
        getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    )  # not every C library has it
    if trim is not None:
        trim(0)

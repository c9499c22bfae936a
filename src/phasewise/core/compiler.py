"""How phasewise compiles: `jax.jit` with the options that were measured to be best for the device and the model's size."""

import jax

# On a CPU, XLA's older emitters compile a training step in two thirds of the time. For a model of a few thousand weights
# their programs are as fast; at 150,000 weights a step takes a third longer.
SMALL = 20_000


def compiled(function, *, weights, **kwargs):
    """`jax.jit(function, **kwargs)` for the default device.

    Args:
        weights: number of weights of the model that the program runs: a small one is compiled quickly.
    """
    options = {"xla_cpu_use_fusion_emitters": weights > SMALL} if jax.default_backend() == "cpu" else None
    return jax.jit(function, compiler_options=options, **kwargs)

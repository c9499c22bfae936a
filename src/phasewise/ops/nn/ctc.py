"""Connectionist temporal classification: what it costs, and which labels were meant."""

import jax
import jax.numpy as jnp

from phasewise.core.registry import one_of
from phasewise.kernels import ctc
from phasewise.kernels.moments import wide
from phasewise.ops.op import op


@op
def ctc_loss(target, output, target_length, output_length, mask_index=0):
    """-log of the probability that the output spells the target, however labels and blanks are spread (Graves et al. 2006).

    Args:
        target: (batch, labels), whole numbers.
        output: (batch, steps, classes), logits.
        target_length, output_length: (batch,): how many of each count.
        mask_index: the class that stands for the blank.

    Returns:
        (batch,), nats, float32 or wider. Where the output is too short for the target it is large, above 1e5.
    """
    import optax  # not needed by most

    target, output = jnp.asarray(target, "int32"), wide(jnp.asarray(output))
    lengths = ((target_length, target.shape[1]), (output_length, output.shape[1]))
    beyond = [(jnp.arange(most) >= jnp.asarray(length)[:, None]).astype(output.dtype) for length, most in lengths]
    return optax.ctc_loss(output, beyond[1], target, beyond[0], blank_id=mask_index)


@op
def ctc_decode(
    inputs, sequence_lengths, strategy="greedy", beam_width=100, top_paths=1, merge_repeated=True, mask_index=0
):
    """The labels that an output spells.

    Args:
        inputs: (batch, steps, classes), logits.
        sequence_lengths: (batch,): how many steps count.
        strategy: "greedy", the best class of each step; "beam_search", the likeliest sequences.
        beam_width: how many beginnings beam search keeps.
        top_paths: how many sequences it returns.
        merge_repeated: whether "greedy" counts a class that is best several times in a row once.
        mask_index: the class that stands for the blank; None is the last.

    Returns:
        (labels, scores): (paths, batch, steps), int32, -1 behind the last; and (batch, paths): minus the sum of the best logits for
        "greedy", log-probabilities for "beam_search".

    Raises:
        ValueError: `strategy` is neither.
    """
    one_of("ctc_decode", "strategy", strategy, ("greedy", "beam_search"))
    inputs, lengths = wide(jnp.asarray(inputs)), jnp.asarray(sequence_lengths, "int32")
    blank = inputs.shape[-1] - 1 if mask_index is None else mask_index
    if strategy == "greedy":
        labels, cost = ctc.greedy_labels(inputs, lengths, blank, merge_repeated)
        return labels[None], cost
    labels, scores = ctc.likeliest_labels(jax.nn.log_softmax(inputs), lengths, blank, beam_width, top_paths)
    return jnp.swapaxes(labels, 0, 1), scores

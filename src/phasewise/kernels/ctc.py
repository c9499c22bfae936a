"""Which labels a sequence of class scores spells, where a blank may stand between labels (Graves et al. 2006)."""

import jax
import jax.numpy as jnp

NONE = -1


def greedy_labels(scores, lengths, blank, merge_repeated):
    """The best class of each step, repetitions merged, blanks left out.

    Args:
        scores: (batch, steps, classes), floating.
        lengths: (batch,), whole numbers: steps beyond do not count.
        blank: int.
        merge_repeated: whether a class that is best at several steps in a row counts once.

    Returns:
        (labels, cost): (batch, steps) as int32, -1 behind the last; minus the sum of the best scores, (batch, 1).
    """
    steps = jnp.arange(scores.shape[1])
    counts = steps < lengths[:, None]
    best = jnp.where(counts, jnp.argmax(scores, -1), blank)
    cost = -jnp.where(counts, scores.max(-1), 0).sum(1, keepdims=True)
    spoken = best != blank
    if merge_repeated:
        spoken &= jnp.pad(best[:, 1:] != best[:, :-1], ((0, 0), (1, 0)), constant_values=True)
    order = jnp.argsort(jnp.where(spoken, steps, scores.shape[1]), axis=-1)
    labels = jnp.take_along_axis(jnp.where(spoken, best, NONE), order, -1)
    return labels.astype(jnp.int32), cost


def likeliest_labels(log_probabilities, lengths, blank, beam_width, count):
    """The likeliest label sequences, by prefix beam search (Hannun et al. 2014, algorithm 1, without a language model).

    For each prefix two probabilities are kept: of the ways to spell it that end with a blank, and with its last label.

    Args:
        log_probabilities: (batch, steps, classes).
        lengths: (batch,): steps beyond do not count.
        blank: int.
        beam_width: how many prefixes are kept at each step.
        count: how many sequences are wanted, at most `beam_width`.

    Returns:
        (labels, scores): (batch, count, steps) as int32, -1 behind the last, the likeliest first; and their log-probabilities,
        (batch, count), -inf where there are not so many.
    """

    def decode(rows, length):
        def step(beams, each):
            number, row = each
            return jax.lax.cond(number < length, lambda: _extended(beams, row, blank), lambda: beams), None

        beams, _ = jax.lax.scan(step, _first(rows, beam_width), (jnp.arange(len(rows)), rows))
        labels, _, ends_blank, ends_label = beams
        scores, places = jax.lax.top_k(jnp.logaddexp(ends_blank, ends_label), count)
        return labels[places], scores

    return jax.vmap(decode)(log_probabilities, lengths)


def _first(rows, beam_width):
    """One prefix, the empty one, ending with a blank; the other places are free."""
    free = jnp.full(beam_width, -jnp.inf, rows.dtype)
    labels = jnp.full((beam_width, len(rows)), NONE, jnp.int32)
    return labels, jnp.zeros(beam_width, jnp.int32), free.at[0].set(0), free


def _extended(beams, row, blank):
    """The beams after one more step with these log-probabilities."""
    labels, sizes, ends_blank, ends_label = beams
    width, classes = len(sizes), jnp.arange(len(row))
    places = jnp.arange(width)
    either = jnp.logaddexp(ends_blank, ends_label)
    last = jnp.where(sizes > 0, labels[places, jnp.maximum(sizes - 1, 0)], NONE)
    repeats = classes == last[:, None]
    # A label that repeats the last is a new one only behind a blank.
    longer = jnp.where(repeats, ends_blank[:, None], either[:, None]) + row
    longer = jnp.where(classes == blank, -jnp.inf, longer)
    stays_label = jnp.where(sizes > 0, ends_label + row[jnp.maximum(last, 0)], -jnp.inf)
    # What is a longer form of one prefix may be another prefix that is kept: the ways to spell it are added up there.
    is_child = _is_child(labels, sizes, jnp.isfinite(either))
    reached = jnp.where(is_child, longer[:, jnp.maximum(last, 0)], -jnp.inf)
    stays_label = jnp.logaddexp(stays_label, jax.nn.logsumexp(reached, 0))
    taken = (is_child[:, :, None] & repeats[None]).any(1)
    longer = jnp.where(taken, -jnp.inf, longer)
    stays_blank = either + row[blank]
    scores = jnp.concatenate([jnp.logaddexp(stays_blank, stays_label), longer.reshape(-1)])
    _, best = jax.lax.top_k(scores, width)
    grows = best >= width
    parent = jnp.where(grows, (best - width) // len(row), best)
    added = jnp.where(grows, (best - width) % len(row), NONE)
    old = labels[parent]
    end = jnp.minimum(sizes[parent], labels.shape[1] - 1)
    labels = old.at[places, end].set(jnp.where(grows, added, old[places, end]))
    new_blank = jnp.where(grows, -jnp.inf, stays_blank[parent])
    new_label = jnp.where(grows, scores[best], stays_label[parent])
    return labels, sizes[parent] + grows, new_blank, new_label


def _is_child(labels, sizes, are_used):
    """Which prefix (second axis) is which other one (first axis) and one label more."""
    positions = jnp.arange(labels.shape[1])
    without_last = jnp.where(positions < sizes[:, None] - 1, labels, NONE)
    same = (labels[:, None] == without_last[None]).all(-1)
    return same & (sizes[:, None] + 1 == sizes) & are_used[:, None] & are_used

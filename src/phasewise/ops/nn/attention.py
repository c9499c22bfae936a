"""Attention as a function of queries, keys and values."""

import jax.numpy as jnp

from phasewise.core.dtypes import result_type
from phasewise.kernels.attention import causal, masked_softmax, products, weighted_sums
from phasewise.ops.op import arrays, op


@op
def dot_product_attention(
    query,
    key,
    value,
    bias=None,
    mask=None,
    scale=None,
    is_causal=False,
    flash_attention=None,
    attn_logits_soft_cap=None,
):
    """softmax(q kᵀ * scale + bias) v, for each head (Vaswani et al. 2017, equation 1).

    Args:
        query: (batch, queries, heads, features).
        key, value: (batch, keys, heads, features); fewer heads, by which those of the query can be divided, are shared.
        bias: added to the scores; broadcasts against (batch, heads, queries, keys).
        mask: boolean, of such a shape: True where a query looks at a key.
        scale: None is 1 / sqrt(features).
        is_causal: whether query i looks at the keys 0 to i only.
        flash_attention: accepted; XLA decides how the products are computed.
        attn_logits_soft_cap: c for scores s / (1 + |s| / c); None for s.

    Returns:
        (batch, queries, heads, features of `value`).

    Where we differ from Keras: a query that may look at no key gets zeros (Keras: the mean of all values), and the soft cap holds
    on every device (Keras: on TPUs).

    Raises:
        ValueError: an array has not four axes, or the heads do not fit.
    """
    query, key, value = arrays(query, key, value)
    shapes = [each.shape for each in (query, key, value)]
    if any(len(shape) != 4 for shape in shapes) or shapes[0][2] % shapes[1][2] or shapes[1][2] != shapes[2][2]:
        raise ValueError(
            "dot_product_attention takes a query, a key and a value of shape (batch, places, heads, features), the query's heads a "
            f"multiple of the others'; got {', '.join(map(str, shapes))}."
        )
    dtype = result_type(query.dtype, key.dtype, value.dtype)
    query, key, value = (each.astype(dtype) for each in (query, key, value))
    heads, shared = query.shape[2], key.shape[2]
    grouped = query.reshape(*query.shape[:2], shared, heads // shared, -1)
    scores = products("bqhgd,bkhd->bhgqk", grouped, key, query.shape[-1] ** -0.5 if scale is None else scale)
    if attn_logits_soft_cap is not None:
        scores = scores / (1 + jnp.abs(scores) / attn_logits_soft_cap)
    if bias is not None:
        scores = scores + _by_group(jnp.asarray(bias), shared, heads)
    seen = causal(*scores.shape[-2:]) if is_causal else None
    if mask is not None:
        given = _by_group(jnp.asarray(mask, bool), shared, heads)
        seen = given if seen is None else seen & given
    weights = masked_softmax(scores, seen, (4,))
    found = weighted_sums("bhgqk,bkhd->bqhgd", weights, value)
    return found.reshape(*found.shape[:2], heads, -1)


def _by_group(array, shared, heads):
    """What broadcasts against (batch, heads, queries, keys), against (batch, shared heads, group, queries, keys)."""
    array = array.reshape((1,) * (4 - array.ndim) + array.shape)
    batch, count, *places = array.shape
    return array.reshape(batch, *((1, 1) if count == 1 else (shared, heads // shared)), *places)

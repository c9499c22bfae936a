"""Attention layers: one a file."""

from phasewise.layers.attention.additive_attention import AdditiveAttention as AdditiveAttention
from phasewise.layers.attention.attention import Attention as Attention
from phasewise.layers.attention.group_query_attention import GroupQueryAttention as GroupQueryAttention
from phasewise.layers.attention.multi_head_attention import MultiHeadAttention as MultiHeadAttention

"""Vectors for ids."""

from phasewise.layers.embedding.embedding import Embedding as Embedding
from phasewise.layers.embedding.reversible_embedding import ReversibleEmbedding as ReversibleEmbedding

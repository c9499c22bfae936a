"""Rows of the table of layers that are compared with Keras: attention, embeddings, EinsumDense."""

from parity import Ids

SELF = {"query": (3, 4, 5), "value": (3, 4, 5)}
CROSS = {"query": (3, 4, 5), "value": (3, 6, 7), "key": (3, 6, 2)}
PLANE = {"query": (2, 3, 4, 5), "value": (2, 3, 4, 5)}
RULES = {
    "kernel_initializer": "he_normal",
    "bias_initializer": "ones",
    "kernel_regularizer": "l2",
    "bias_regularizer": "l1",
    "kernel_constraint": "max_norm",
    "bias_constraint": "non_neg",
}
HEADS = {"num_heads": 2, "key_dim": 3}
GROUPS = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}

ATTENTION = [
    ("Embedding", {"input_dim": 7, "output_dim": 3}, Ids(7, (4, 5))),
    (
        "Embedding",
        {"input_dim": 7, "output_dim": 3, "mask_zero": True, "lora_rank": 2},
        Ids(7, (4, 5, 2)),
    ),
    (
        "Embedding",
        {
            "input_dim": 7,
            "output_dim": 3,
            "embeddings_initializer": "normal",
            "embeddings_regularizer": "l2",
            "embeddings_constraint": "unit_norm",
        },
        Ids(7, (4,)),
    ),
    ("ReversibleEmbedding", {"input_dim": 7, "output_dim": 3}, Ids(7, (4, 5))),
    ("ReversibleEmbedding", {"input_dim": 7, "output_dim": 3, "tie_weights": False, "mask_zero": True}, Ids(7, (4, 5))),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c"}, (4, 5)),
    ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": (None, 2, 3), "bias_axes": "de"}, (4, 5, 6)),
    ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": [None, 2, 3], "bias_axes": "d"}, (4, 5, 6)),
    ("EinsumDense", {"equation": "abcd,cde->abe", "output_shape": (None, 7), "activation": "tanh"}, (4, 2, 3, 5)),
    ("EinsumDense", {"equation": "abc,cd->adb", "output_shape": (7, None), "bias_axes": "d"}, (4, 5, 6)),
    ("EinsumDense", {"equation": "abc,bcd->abd", "output_shape": (5, 7), "bias_axes": "bd"}, (4, 5, 6)),
    ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 7, "bias_axes": "y"}, (4, 5, 6)),
    ("EinsumDense", {"equation": "...xz,xy->...yz", "output_shape": (7, None), "bias_axes": "y"}, (4, 5, 6)),
    (
        "EinsumDense",
        {"equation": "ab...,bc->ac...", "output_shape": 7, "bias_axes": "c", "lora_rank": 2, "lora_alpha": 3},
        (4, 5, 6),
    ),
    (
        "EinsumDense",
        {
            "equation": "ab,bc->ac",
            "output_shape": (3,),
            "bias_axes": "c",
            "kernel_initializer": "he_normal",
            "bias_initializer": "ones",
            "kernel_regularizer": "l2",
            "bias_regularizer": "l1",
            "kernel_constraint": "max_norm",
            "bias_constraint": "non_neg",
        },
        (4, 5),
    ),
    ("MultiHeadAttention", HEADS, SELF),
    ("MultiHeadAttention", {**HEADS, "output_shape": (2, 6)}, CROSS),
    ("MultiHeadAttention", {**HEADS, "use_bias": False, "use_gate": True, "output_shape": 7, "seed": 3}, CROSS),
    ("MultiHeadAttention", {**HEADS, "sliding_window": 2, "flash_attention": False, **RULES}, SELF),
    ("MultiHeadAttention", HEADS, PLANE),
    ("MultiHeadAttention", {**HEADS, "attention_axes": 2, "value_dim": 2}, PLANE),
    ("MultiHeadAttention", {**HEADS, "attention_axes": (-2, 1)}, PLANE),
    ("GroupQueryAttention", GROUPS, SELF),
    ("GroupQueryAttention", {**GROUPS, "num_key_value_heads": 1, "use_bias": False, "use_gate": True, "seed": 3}, SELF),
    ("GroupQueryAttention", {**GROUPS, "sliding_window": 2, "flash_attention": False, **RULES}, SELF),
    ("Attention", {}, [(3, 4, 5), (3, 6, 5)]),
    ("Attention", {"use_scale": True, "seed": 3}, [(3, 4, 5), (3, 6, 2), (3, 6, 5)]),
    ("Attention", {"score_mode": "concat"}, [(3, 4, 5), (3, 6, 5)]),
    ("Attention", {"score_mode": "concat", "use_scale": True}, [(3, 4, 5), (3, 6, 2), (3, 6, 5)]),
    ("AdditiveAttention", {}, [(3, 4, 5), (3, 6, 5)]),
    ("AdditiveAttention", {"use_scale": False}, [(3, 4, 5), (3, 6, 2), (3, 6, 5)]),
]

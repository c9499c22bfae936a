"""Calls by which all ops are compared with Keras's: those of `numpy_rows`, linear algebra, mathematics, networks, images."""

import numpy as np
from draws import inside, positive, positive_definite, reals, rng, row, whole
from numpy_rows import ELEMENTWISE, INTEGERS, NUMPY, V, X, Y

A = reals(2, 3, 3)
S = positive_definite(2)
LINALG = [
    row("cholesky", S),
    row("cholesky", S, upper=True),
    row("cholesky_inverse", np.linalg.cholesky(S[0])),
    row("det", A),
    row("inv", A),
    row("eigh", S),
    row("lu_factor", A),
    row("qr", reals(2, 4, 3)),
    row("qr", reals(4, 3), mode="complete"),
    row("svd", reals(2, 4, 3), compute_uv=False),
    row("svd", reals(4, 3), full_matrices=False),
    row("solve", A, reals(2, 3, 2)),
    row("solve_triangular", A, reals(2, 3, 2)),
    row("solve_triangular", A, reals(2, 3, 2), lower=True),
    row("lstsq", reals(5, 3), reals(5, 2)),
    row("pinv", reals(4, 3)),
    row("matrix_rank", np.ones((4, 3), "float32")),
    row("matrix_rank", A, tol=0.5),
    row("norm", X),
    row("norm", X, ord=1, axis=1, keepdims=True),
    row("norm", X, ord="fro", axis=(1, 2)),
    row("logdet", A),
]

MATH = [
    *(
        row(f"segment_{name}", reals(6, 2), np.array([0, 0, 1, 3, 3, 3]), num_segments=5, sorted=True)
        for name in ("sum", "prod", "max", "min")
    ),
    row("top_k", X, 2),
    row("in_top_k", whole(3, below=4), reals(3, 4), 2),
    row("logsumexp", X),
    row("logsumexp", X, axis=1, keepdims=True),
    row("cdist", reals(2, 3, 4), reals(2, 5, 4)),
    row("view_as_complex", reals(3, 2)),
    row("polar", positive(3), reals(3)),
    *(row(name, (reals(2, 4, 4), reals(2, 4, 4))) for name in ("fft", "fft2", "ifft2")),
    row("rfft", reals(2, 8)),
    row("rfft", reals(2, 8), fft_length=6),
    row("irfft", (reals(2, 5), reals(2, 5))),
    row("irfft", (reals(2, 5), reals(2, 5)), fft_length=9),
    row("extract_sequences", reals(2, 11), 4, 2),
    row("stft", reals(2, 20), 6, 3, 8),
    row("stft", reals(2, 20), 6, 3, 8, window="hamming", center=False),
    row("stft", reals(2, 20), 6, 3, 8, window=None),
    row("istft", (reals(2, 6, 5), reals(2, 6, 5)), 8, 3, 8),
    row("istft", (reals(2, 6, 5), reals(2, 6, 5)), 8, 3, 8, length=12, window="hamming", center=False),
    row("rearrange", reals(2, 6, 3), "b (h w) c -> b c h w", h=2),
    row("rearrange", reals(2, 6, 3), "b t c -> (b t) c"),
    row("shape", X),
    row("dtype", X),
    row("is_tensor", X),
    row("cast", X * 3, "int32"),
    row("cast", X, "bfloat16"),
    row("saturate_cast", np.array([-1.0, 256.0, 3.7, np.inf], "float32"), "uint8"),
    row("saturate_cast", np.array([-1.0, 3e9, 5e9], "float32"), "uint32"),
    row("convert_to_tensor", [[1, 2], [3, 4]]),
    row("convert_to_tensor", X, dtype="bfloat16"),
    row("convert_to_numpy", X),
    row("unstack", X, axis=1),
    row("slice", X, (0, 1, 1), (2, 2, -1)),
    row("slice_update", X, (0, 1, 1), reals(1, 2, 2)),
    row("scatter", np.array([[0, 1], [1, 2], [0, 1]]), V[:3], (2, 3)),
    *(
        row("scatter_update", reals(4, 3), np.array([[0], [2]]), reals(2, 3), reduction)
        for reduction in (None, "add", "max", "min", "mul")
    ),
]

IMAGES, FIRST = reals(2, 6, 5, 4), reals(2, 4, 6, 5)
LABELS = np.eye(4, dtype="float32")[whole(3, below=4)]
CHANCES = np.exp(reals(3, 4)) / 10
NN = [
    row("relu", X),
    row("leaky_relu", X, negative_slope=0.1),
    row("gelu", X, approximate=False),
    row("softmax", X, axis=1),
    row("softmax", X, axis=None),
    row("log_softmax", X, axis=1),
    row("log_softmax", X, axis=None),
    row("threshold", X, 0.3, 9.0),
    row("glu", X),
    *(row(name, X, alpha=0.5) for name in ("celu", "elu")),
    *(row(name, X, threshold=0.2) for name in ("soft_shrink", "hard_shrink")),
    row("squareplus", X, b=2),
    row("conv", reals(2, 7, 4), reals(3, 4, 6)),
    row("conv", IMAGES, reals(3, 2, 4, 6), strides=2, padding="same"),
    row("conv", IMAGES, reals(3, 3, 2, 6), strides=(2, 1)),
    row("conv", FIRST, reals(2, 2, 4, 6), data_format="channels_first", dilation_rate=2),
    row("depthwise_conv", IMAGES, reals(3, 3, 4, 2), padding="same"),
    row("depthwise_conv", reals(2, 7, 4), reals(3, 4, 2), strides=2),
    row("separable_conv", IMAGES, reals(3, 3, 4, 2), reals(1, 1, 8, 3), strides=2, padding="same"),
    row("conv_transpose", IMAGES, reals(3, 3, 6, 4), strides=2),
    row("conv_transpose", IMAGES, reals(3, 3, 6, 4), strides=2, padding="same", output_padding=1),
    row("max_pool", IMAGES, (2, 2), strides=(2, 2)),
    row("max_pool", IMAGES, (3, 2), strides=(1, 1), padding="same"),
    row("max_pool", FIRST, (2, 3), strides=(2, 1), data_format="channels_first"),
    row("average_pool", IMAGES, (2, 2), strides=(2, 2)),
    row("average_pool", reals(2, 7, 4), 3, strides=2, padding="same"),
    row("adaptive_average_pool", IMAGES, (3, 2)),
    row("adaptive_average_pool", FIRST, 2, data_format="channels_first"),
    row("adaptive_max_pool", reals(2, 7, 4), 3),
    row("moments", X, [0, 1]),
    row("moments", X, (0, 1), keepdims=True),
    row("batch_normalization", X, reals(4), positive(4), -1),
    row("batch_normalization", X, reals(3), positive(3), 1, offset=reals(3), scale=reals(3), epsilon=0.1),
    row("layer_normalization", X),
    row("layer_normalization", X, reals(3, 4), reals(3, 4), axis=(1, 2), epsilon=0.1),
    row("rms_normalization", X, reals(4), epsilon=0.1),
    row("normalize", X),
    row("normalize", X, axis=1, order=3, epsilon=0.1),
    row("psnr", X, Y, 2.0),
    row("binary_crossentropy", whole(3, 4, below=2).astype("float32"), inside(3, 4) / 2 + 0.5),
    row("binary_crossentropy", whole(3, 4, below=2).astype("float32"), reals(3, 4), from_logits=True),
    row("categorical_crossentropy", LABELS, CHANCES),
    row("categorical_crossentropy", LABELS.T.copy(), reals(4, 3), from_logits=True, axis=0),
    row("sparse_categorical_crossentropy", whole(3, below=4), CHANCES),
    row("sparse_categorical_crossentropy", whole(3, 1, below=4), reals(3, 4), from_logits=True),
    row("one_hot", whole(2, 3), 4),
    row("one_hot", whole(2, 3), 4, axis=1, dtype="int32"),
    row("multi_hot", whole(2, 3), 5),
    row("multi_hot", whole(3), 5, dtype="int32"),
    row("ctc_loss", whole(2, 3, below=3) + 1, reals(2, 8, 5), np.array([3, 2]), np.array([8, 7])),
    row("ctc_loss", whole(2, 3, below=3), reals(2, 8, 5), np.array([3, 2]), np.array([8, 7]), mask_index=4),
    row("ctc_decode", reals(2, 6, 4), np.array([6, 4])),
    row("ctc_decode", reals(2, 6, 4), np.array([6, 4]), merge_repeated=False, mask_index=3),
    row("ctc_decode", 2 * reals(2, 6, 4), np.array([6, 4]), strategy="beam_search", beam_width=8, top_paths=3),
    row("unfold", FIRST, 2),
    row("unfold", FIRST, (3, 2), dilation=(1, 2), padding=1, stride=2),
    row("fold", reals(2, 8, 9), 4, 2),
    row("fold", reals(2, 8, 9), 4, 2, padding=1, stride=2),
    row("depth_to_space", IMAGES, 2),
    row("depth_to_space", FIRST, 2, data_format="channels_first"),
    row("space_to_depth", reals(2, 4, 6, 3), 2),
    row("space_to_depth", reals(2, 3, 4, 6), 2, data_format="channels_first"),
    row("dot_product_attention", reals(2, 3, 4, 5), reals(2, 6, 2, 5), reals(2, 6, 2, 5)),
    row(
        "dot_product_attention",
        reals(2, 3, 2, 5),
        reals(2, 3, 2, 5),
        reals(2, 3, 2, 5),
        bias=reals(2, 2, 3, 3),
        scale=0.3,
        is_causal=True,
    ),
    row(
        "dot_product_attention",
        reals(2, 3, 2, 5),
        reals(2, 4, 2, 5),
        reals(2, 4, 2, 5),
        mask=np.tri(3, 4)[None, None] > 0,
    ),
]

RGB = rng.uniform(0, 1, (2, 5, 6, 3)).astype("float32")
CORNERS = np.array([[0, 0], [0, 4], [4, 0], [4, 4]], "float32")
MOVED = CORNERS + inside(4, 2)
TURNED = np.array([0.93, 0.21, 0.44, -0.23, 1.12, 0.31, 0, 0], "float32")
IMAGE = [
    row("image.rgb_to_grayscale", RGB),
    row("image.rgb_to_grayscale", (RGB * 255).astype("uint8")),
    row("image.rgb_to_grayscale", np.moveaxis(RGB, -1, 1).copy(), data_format="channels_first"),
    row("image.rgb_to_hsv", RGB),
    row("image.hsv_to_rgb", RGB[0]),
    *(
        row("image.resize", RGB, (4, 9), interpolation=kind)
        for kind in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
    ),
    row("image.resize", RGB, (3, 4), antialias=True),
    row("image.resize", (RGB * 255).astype("uint8"), (10, 12)),
    row("image.resize", RGB[0], (4, 4), crop_to_aspect_ratio=True),
    row("image.resize", reals(2, 4, 6, 3), (5, 5), pad_to_aspect_ratio=True, fill_value=2.0),
    row("image.resize", np.moveaxis(RGB, -1, 1).copy(), (4, 9), data_format="channels_first"),
    row("image.pad_images", RGB, 1, 2, target_height=8, right_padding=1),
    row("image.crop_images", RGB, 1, 2, target_height=3, right_cropping=1),
    row(
        "image.scale_and_translate",
        RGB,
        (2, 4, 8, 3),
        np.array([0.8, 1.3], "float32"),
        np.array([0.5, -1], "float32"),
        (1, 2),
        "linear",
    ),
    row("image.affine_transform", RGB, np.stack([TURNED] * 2)),
    *(
        row("image.affine_transform", RGB, np.stack([TURNED] * 2), fill_mode=mode, interpolation="nearest")
        for mode in ("constant", "nearest", "wrap", "mirror", "reflect")
    ),
    *(
        row("image.affine_transform", RGB[0], TURNED, fill_mode=mode, fill_value=0.5)
        for mode in ("constant", "nearest", "wrap", "mirror", "reflect")
    ),
    row("image.perspective_transform", RGB, np.stack([CORNERS] * 2), np.stack([MOVED, CORNERS]), fill_value=0.5),
    row("image.perspective_transform", RGB[0], CORNERS, MOVED, interpolation="nearest"),
    row("image.map_coordinates", reals(5, 6), rng.uniform(-1, 6, (2, 3, 4)).astype("float32"), 1, fill_mode="reflect"),
    row("image.gaussian_blur", RGB, data_format="channels_last"),
    row("image.gaussian_blur", RGB, (5, 3), (2.0, 0.5), data_format="channels_last"),
    row("image.sobel_edges", RGB),
    row("image.ssim", reals(2, 12, 13, 3), reals(2, 12, 13, 3)),
    row("image.ssim", RGB, RGB * 0.9, filter_size=3, max_val=2.0),
    row("image.extract_patches", RGB, 2),
    row("image.extract_patches", RGB, (3, 2), strides=1, padding="same"),
    row("image.extract_patches", FIRST, 2, dilation_rate=2, strides=1, data_format="channels_first"),
    row("image.extract_patches_3d", reals(1, 4, 4, 5, 2), (2, 2, 3)),
    row("image.extract_patches", reals(1, 4, 4, 5, 2), (2, 2, 3), strides=(1, 2, 1)),
]

ROWS = [*ELEMENTWISE, *INTEGERS, *NUMPY, *LINALG, *MATH, *NN, *IMAGE]

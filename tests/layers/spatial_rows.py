"""Rows of the parity table: pooling, and layers that change the spatial axes."""

SEQUENCE, IMAGE, VOLUME = (3, 7, 4), (3, 6, 5, 2), (2, 5, 4, 6, 2)
CHANNELS_FIRST = {"data_format": "channels_first"}

MOVING = [
    ("MaxPooling1D", {}, SEQUENCE),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, SEQUENCE),
    ("MaxPooling1D", {"pool_size": (2,), "strides": 3, **CHANNELS_FIRST}, SEQUENCE),
    ("MaxPooling2D", {}, IMAGE),
    ("MaxPooling2D", {"pool_size": (3, 2), "strides": (1, 2), "padding": "same"}, IMAGE),
    ("MaxPooling2D", {"pool_size": 2, "strides": 1, **CHANNELS_FIRST}, IMAGE),
    ("MaxPooling3D", {}, VOLUME),
    ("MaxPooling3D", {"pool_size": (2, 3, 1), "strides": (1, 2, 3), "padding": "same"}, VOLUME),
    ("MaxPooling3D", {"pool_size": 2, "strides": 2, **CHANNELS_FIRST}, VOLUME),
    ("AveragePooling1D", {"pool_size": 2}, SEQUENCE),
    ("AveragePooling1D", {"pool_size": 4, "strides": 1, "padding": "same"}, SEQUENCE),
    ("AveragePooling1D", {"pool_size": 2, "strides": 3, "padding": "same", **CHANNELS_FIRST}, SEQUENCE),
    ("AveragePooling2D", {"pool_size": 2}, IMAGE),
    ("AveragePooling2D", {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"}, IMAGE),
    ("AveragePooling2D", {"pool_size": 2, "strides": 1, "padding": "same", **CHANNELS_FIRST}, IMAGE),
    ("AveragePooling3D", {"pool_size": 2}, VOLUME),
    ("AveragePooling3D", {"pool_size": (2, 1, 4), "strides": (3, 1, 2), "padding": "same"}, VOLUME),
    ("AveragePooling3D", {"pool_size": (1, 3, 2), "strides": 1, **CHANNELS_FIRST}, VOLUME),
]

GLOBAL = [
    (f"Global{kind}Pooling{axes}D", arguments, shape)
    for kind in ("Max", "Average")
    for axes, shape in enumerate((SEQUENCE, IMAGE, VOLUME), 1)
    for arguments in ({}, {"keepdims": True, **CHANNELS_FIRST})
]

ADAPTIVE = [
    (f"Adaptive{kind}Pooling{row[0]}D", *row[1:])
    for kind in ("Max", "Average")
    for row in [
        (1, {"output_size": 3}, SEQUENCE),
        (1, {"output_size": (10,), **CHANNELS_FIRST}, SEQUENCE),
        (2, {"output_size": (4, 7)}, IMAGE),
        (2, {"output_size": (2, 1), **CHANNELS_FIRST}, IMAGE),
        (3, {"output_size": 2}, VOLUME),
        (3, {"output_size": (3, 1, 2), **CHANNELS_FIRST}, VOLUME),
    ]
]

BORDERS = [
    ("ZeroPadding1D", {}, SEQUENCE),
    ("ZeroPadding1D", {"padding": (0, 2)}, SEQUENCE),
    ("ZeroPadding1D", {"padding": 2, **CHANNELS_FIRST}, SEQUENCE),
    ("ZeroPadding2D", {}, IMAGE),
    ("ZeroPadding2D", {"padding": (1, 2)}, IMAGE),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3)), **CHANNELS_FIRST}, IMAGE),
    ("ZeroPadding3D", {}, VOLUME),
    ("ZeroPadding3D", {"padding": (1, 0, 2)}, VOLUME),
    ("ZeroPadding3D", {"padding": ((1, 0), (0, 2), (1, 1)), **CHANNELS_FIRST}, VOLUME),
    ("Cropping1D", {}, SEQUENCE),
    ("Cropping1D", {"cropping": 2}, SEQUENCE),
    ("Cropping1D", {"cropping": (0, 3)}, SEQUENCE),
    ("Cropping2D", {}, IMAGE),
    ("Cropping2D", {"cropping": (2, 1)}, IMAGE),
    ("Cropping2D", {"cropping": ((0, 2), (3, 0))}, IMAGE),
    ("Cropping2D", {"cropping": ((1, 2), (0, 1)), **CHANNELS_FIRST}, (3, 2, 6, 5)),
    ("Cropping3D", {}, VOLUME),
    ("Cropping3D", {"cropping": 1}, VOLUME),
    ("Cropping3D", {"cropping": (2, 0, 1)}, VOLUME),
    ("Cropping3D", {"cropping": ((0, 1), (2, 0), (1, 4)), **CHANNELS_FIRST}, (2, 2, 5, 4, 6)),
]

UP_SAMPLING = [
    ("UpSampling1D", {}, SEQUENCE),
    ("UpSampling1D", {"size": 3}, SEQUENCE),
    ("UpSampling2D", {}, IMAGE),
    ("UpSampling2D", {"size": (3, 1), **CHANNELS_FIRST}, IMAGE),
    ("UpSampling2D", {"interpolation": "bilinear"}, IMAGE),
    ("UpSampling2D", {"size": (2, 3), "interpolation": "bilinear", **CHANNELS_FIRST}, IMAGE),
    ("UpSampling2D", {"size": 3, "interpolation": "bicubic"}, IMAGE),
    ("UpSampling2D", {"size": (1, 4), "interpolation": "bicubic", **CHANNELS_FIRST}, IMAGE),
    ("UpSampling2D", {"size": 2, "interpolation": "lanczos3"}, IMAGE),
    ("UpSampling2D", {"size": (3, 2), "interpolation": "lanczos5"}, IMAGE),
    ("UpSampling3D", {}, VOLUME),
    ("UpSampling3D", {"size": (2, 1, 3), **CHANNELS_FIRST}, VOLUME),
]

ROWS = [*MOVING, *GLOBAL, *ADAPTIVE, *BORDERS, *UP_SAMPLING]

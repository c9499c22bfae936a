"""Image layers: rows of the parity table for what draws nothing, and one instance of each that is random, for the contract."""

IMAGES = (12, 6, 5, 3)
CHANNELS_FIRST = {"data_format": "channels_first"}

# (class name, arguments, input shapes): compared with Keras
TABLE = [
    ("Resizing", {"height": 4, "width": 7}, IMAGES),
    ("Resizing", {"height": 3, "width": 3, "interpolation": "nearest", **CHANNELS_FIRST}, (4, 2, 6, 5)),
    ("Resizing", {"height": 9, "width": 8, "interpolation": "bicubic", "crop_to_aspect_ratio": True}, (4, 6, 10, 2)),
    ("Resizing", {"height": 4, "width": 6, "interpolation": "lanczos3", "antialias": True}, (4, 11, 13, 2)),
    ("Resizing", {"height": 12, "width": 5, "interpolation": "lanczos5"}, (4, 6, 10, 2)),
    ("Resizing", {"height": 3, "width": 4, "antialias": True, **CHANNELS_FIRST}, (4, 2, 10, 10)),
    ("Resizing", {"height": 8, "width": 8, "pad_to_aspect_ratio": True, "fill_value": 2.0}, (4, 6, 10, 2)),
    (
        "Resizing",
        {"height": 5, "width": 10, "pad_to_aspect_ratio": True, "fill_mode": "constant", **CHANNELS_FIRST},
        (4, 2, 6, 8),
    ),
    ("CenterCrop", {"height": 3, "width": 4}, IMAGES),
    ("CenterCrop", {"height": 4, "width": 2, **CHANNELS_FIRST}, (4, 2, 7, 5)),
    ("CenterCrop", {"height": 8, "width": 4}, IMAGES),
    ("MaxNumBoundingBoxes", {"max_number": 3, "fill_value": -2}, IMAGES),
]

# class name: (arguments, input shapes): held to the contract; tests/layers/test_image_layers.py and its neighbours say what they do
RANDOM = {
    "RandomCrop": ({"height": 4, "width": 3}, IMAGES),
    "RandomElasticTransform": ({"scale": (0.9, 1.0), "value_range": (-9, 9)}, IMAGES),
    "RandomErasing": ({"factor": (1.0, 1.0)}, IMAGES),
    "RandomFlip": ({}, IMAGES),
    "RandomPerspective": ({"factor": (1.0, 1.0)}, IMAGES),
    "RandomRotation": ({"factor": 0.5}, IMAGES),
    "RandomShear": ({"x_factor": 0.5, "y_factor": 0.3}, IMAGES),
    "RandomTranslation": ({"height_factor": 0.5, "width_factor": 0.5}, IMAGES),
    "RandomZoom": ({"height_factor": 0.5}, IMAGES),
}

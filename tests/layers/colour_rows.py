"""Image layers that change values: rows of the parity table for what draws nothing, and one instance of the others, for the contract."""

IMAGES = (12, 6, 5, 3)
RANGE = {"value_range": (-2.0, 6.0)}  # of what the contract gives them

# (class name, arguments, input shapes): compared with Keras
TABLE = [
    ("AutoContrast", RANGE, IMAGES),
    (
        "ContrastLimitedAdaptiveHistogramEqualization",
        {**RANGE, "clip_limit": 2.5, "tile_grid_size": (2, 3), "data_format": "channels_first"},
        (3, 2, 9, 7),
    ),
    ("ContrastLimitedAdaptiveHistogramEqualization", {**RANGE, "clip_limit": 0.0, "tile_grid_size": (1, 2)}, IMAGES),
    ("ContrastLimitedAdaptiveHistogramEqualization", RANGE, (2, 17, 5, 1)),
]

# class name: (arguments, input shapes): held to the contract; tests/layers/test_augmentation_values.py says what they do
RANDOM = {
    "CutMix": ({}, IMAGES),
    "MixUp": ({"alpha": 1.0}, IMAGES),
    "Equalization": (RANGE, IMAGES),
    "RandomBrightness": ({"factor": 0.5, **RANGE}, IMAGES),
    "RandomColorDegeneration": ({"factor": 0.5, **RANGE}, IMAGES),
    "RandomColorJitter": (
        {"brightness_factor": 0.5, "contrast_factor": 0.5, "saturation_factor": 0.9, "hue_factor": 0.5, **RANGE},
        IMAGES,
    ),
    "RandomContrast": ({"factor": 0.5, **RANGE}, IMAGES),
    "RandomGaussianBlur": (RANGE, IMAGES),
    "RandomGrayscale": ({}, IMAGES),
    "RandomHue": ({"factor": 0.5, **RANGE}, IMAGES),
    "RandomInvert": (RANGE, IMAGES),
    "RandomPosterization": ({"factor": 3, **RANGE}, IMAGES),
    "RandomSaturation": ({"factor": 0.9, **RANGE}, IMAGES),
    "RandomSharpness": ({"factor": 0.9, **RANGE}, IMAGES),
    "Solarization": ({"threshold_factor": 0.5, **RANGE}, IMAGES),
}

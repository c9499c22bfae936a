"""Image layers: rows of the parity table for what draws nothing, and one instance of each that is random, for the contract."""

IMAGES = (12, 6, 5, 3)

# (class name, arguments, input shapes): compared with Keras
TABLE = []

# class name: (arguments, input shapes): held to the contract; tests/layers/test_image_layers.py and its neighbours say what they do
RANDOM = {
    "RandomFlip": ({}, IMAGES),
    "RandomRotation": ({"factor": 0.5}, IMAGES),
    "RandomShear": ({"x_factor": 0.5, "y_factor": 0.3}, IMAGES),
    "RandomTranslation": ({"height_factor": 0.5, "width_factor": 0.5}, IMAGES),
    "RandomZoom": ({"height_factor": 0.5}, IMAGES),
}

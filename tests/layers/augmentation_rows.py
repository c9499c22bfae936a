"""Image layers: rows of the parity table for what draws nothing, and one instance of each that is random, for the contract."""

IMAGES = (12, 6, 5, 3)

# (class name, arguments, input shapes): compared with Keras
TABLE = []

# class name: (arguments, input shapes): held to the contract; tests/layers/test_augmentation_geometry.py says what they do
RANDOM = {
    "RandomFlip": ({}, IMAGES),
}

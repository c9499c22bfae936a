"""What several libraries have in common of the networks they train: rows of a batch, batches of an epoch, a table of blocks."""

BATCHES = {
    "resnet20": 64,
    "lstm": 64,
    "transformer": 64,
    "residual_1d": 64,
    "resnet50_at_96": 16,
    "mobilenet": 16,
    "small_cnn": 32,
}
STEPS = {
    "resnet20": 5,
    "lstm": 20,
    "transformer": 20,
    "residual_1d": 10,
    "resnet50_at_96": 2,
    "mobilenet": 5,
    "small_cnn": 60,
}
# Of MobileNetV2: expansion, filters, blocks, strides of the first.
INVERTED_RESIDUALS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2))

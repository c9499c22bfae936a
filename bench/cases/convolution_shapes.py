"""The convolutions of a training step of ResNet-20 at batch 64: (size, channels, filters, kernel, strides), and how often each."""

BATCH = 64
SHAPES = {
    (32, 3, 16, 3, 1): 1,
    (32, 16, 16, 3, 1): 6,
    (32, 16, 32, 3, 2): 1,
    (32, 16, 32, 1, 2): 1,
    (16, 32, 32, 3, 1): 5,
    (16, 32, 64, 3, 2): 1,
    (16, 32, 64, 1, 2): 1,
    (8, 64, 64, 3, 1): 5,
}

"""The networks of `networks.py` in PyTorch: the same layers in the same order, images as (channels, height, width).

They end in logits, as PyTorch's cross entropy takes them. Where Keras pads a strided convolution by one row at the end,
PyTorch pads one at both ends: the same number of products.
"""

import torch
from network_sizes import INVERTED_RESIDUALS
from torch import nn


class Residual(nn.Module):
    """A branch added to the input, or to what `shortcut` makes of it, and `activation` of the sum."""

    def __init__(self, branch, shortcut=None, activation=None):
        super().__init__()
        self.branch, self.shortcut = branch, shortcut or nn.Identity()
        self.activation = activation or nn.Identity()

    def forward(self, x):
        return self.activation(self.shortcut(x) + self.branch(x))


def normalized(convolution):
    """A convolution and batch normalization behind it, with Keras's epsilon and momentum."""
    kind = nn.BatchNorm1d if isinstance(convolution, nn.Conv1d) else nn.BatchNorm2d
    return nn.Sequential(convolution, kind(convolution.out_channels, eps=1e-3, momentum=0.01))


def convolved(inputs, filters, size=3, strides=1, bias=False, groups=1):
    """A convolution of images that keeps height and width but for its strides, with batch normalization."""
    return normalized(nn.Conv2d(inputs, filters, size, strides, size // 2, groups=groups, bias=bias))


def classified(channels, dimensions=2):
    """The mean over all positions, and a dense layer of ten classes."""
    pooling = nn.AdaptiveAvgPool1d(1) if dimensions == 1 else nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(pooling, nn.Flatten(), nn.Linear(channels, 10))


def resnet20():
    """As `networks.resnet20`."""
    layers, inputs = [convolved(3, 16), nn.ReLU()], 16
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if filters > 16 and block == 0 else 1
            branch = nn.Sequential(convolved(inputs, filters, 3, strides), nn.ReLU(), convolved(filters, filters))
            shortcut = nn.Conv2d(inputs, filters, 1, 2, bias=False) if strides == 2 else None
            layers.append(Residual(branch, shortcut, nn.ReLU()))
            inputs = filters
    return nn.Sequential(*layers, classified(64))


def resnet50_at_96():
    """As `networks.resnet50_at_96`."""
    layers, inputs = [convolved(3, 64, 7, 2, bias=True), nn.ReLU(), nn.MaxPool2d(3, 2, 1)], 64
    for filters, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            strides = 2 if filters > 64 and block == 0 else 1
            branch = nn.Sequential(
                convolved(inputs, filters, 1, strides, bias=True),
                nn.ReLU(),
                convolved(filters, filters, 3, bias=True),
                nn.ReLU(),
                convolved(filters, 4 * filters, 1, bias=True),
            )
            shortcut = convolved(inputs, 4 * filters, 1, strides, bias=True) if block == 0 else None
            layers.append(Residual(branch, shortcut, nn.ReLU()))
            inputs = 4 * filters
    return nn.Sequential(*layers, classified(2048))


def mobilenet():
    """As `networks.mobilenet`."""
    layers, inputs = [convolved(3, 32, 3, 2), nn.ReLU6()], 32
    for expansion, filters, blocks, first in INVERTED_RESIDUALS:
        for block in range(blocks):
            strides, wide = first if block == 0 else 1, expansion * inputs
            branch = [convolved(inputs, wide, 1), nn.ReLU6()] if expansion > 1 else []
            branch += [convolved(wide, wide, 3, strides, groups=wide), nn.ReLU6(), convolved(wide, filters, 1)]
            added = strides == 1 and inputs == filters
            layers.append(Residual(nn.Sequential(*branch)) if added else nn.Sequential(*branch))
            inputs = filters
    return nn.Sequential(*layers, convolved(160, 640, 1), nn.ReLU6(), classified(640))


def residual_1d():
    """As `networks.residual_1d`, sequences as (channels, steps)."""
    layers = []
    for _ in range(4):
        first, second = (normalized(nn.Conv1d(64, 64, 3, padding=1, bias=False)) for _ in range(2))
        layers.append(Residual(nn.Sequential(first, nn.ReLU(), second), activation=nn.ReLU()))
    return nn.Sequential(*layers, classified(64, 1))


def small_cnn():
    """As `networks.small_cnn`."""
    layers, inputs = [], 1
    for filters in (16, 32):
        layers += [normalized(nn.Conv2d(inputs, filters, 3)), nn.ReLU(), nn.MaxPool2d(2)]
        inputs = filters
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 5 * 5, 10))


def inputs_of(network, count):
    """Random inputs of `network`."""
    shapes = {"resnet20": (3, 32, 32), "residual_1d": (64, 128), "small_cnn": (1, 28, 28)}
    shape = shapes.get(network, (3, 96, 96))
    return torch.randn(count, *shape)

"""Layers that change images, one a file."""

from phasewise.layers.augmentation.random_flip import RandomFlip as RandomFlip

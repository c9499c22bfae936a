"""Layers that change images, one a file."""

from phasewise.layers.augmentation.center_crop import CenterCrop as CenterCrop
from phasewise.layers.augmentation.random_crop import RandomCrop as RandomCrop
from phasewise.layers.augmentation.random_flip import RandomFlip as RandomFlip
from phasewise.layers.augmentation.random_rotation import RandomRotation as RandomRotation
from phasewise.layers.augmentation.random_shear import RandomShear as RandomShear
from phasewise.layers.augmentation.random_translation import RandomTranslation as RandomTranslation
from phasewise.layers.augmentation.random_zoom import RandomZoom as RandomZoom
from phasewise.layers.augmentation.resizing import Resizing as Resizing

"""Layers that change images, one a file."""

from phasewise.layers.augmentation.center_crop import CenterCrop as CenterCrop
from phasewise.layers.augmentation.max_num_bounding_boxes import MaxNumBoundingBoxes as MaxNumBoundingBoxes
from phasewise.layers.augmentation.random_crop import RandomCrop as RandomCrop
from phasewise.layers.augmentation.random_elastic_transform import RandomElasticTransform as RandomElasticTransform
from phasewise.layers.augmentation.random_erasing import RandomErasing as RandomErasing
from phasewise.layers.augmentation.random_flip import RandomFlip as RandomFlip
from phasewise.layers.augmentation.random_perspective import RandomPerspective as RandomPerspective
from phasewise.layers.augmentation.random_rotation import RandomRotation as RandomRotation
from phasewise.layers.augmentation.random_shear import RandomShear as RandomShear
from phasewise.layers.augmentation.random_translation import RandomTranslation as RandomTranslation
from phasewise.layers.augmentation.random_zoom import RandomZoom as RandomZoom
from phasewise.layers.augmentation.resizing import Resizing as Resizing

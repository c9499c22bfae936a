"""Layers that change images, one a file."""

from phasewise.layers.augmentation.adaptive_equalization import (
    ContrastLimitedAdaptiveHistogramEqualization as ContrastLimitedAdaptiveHistogramEqualization,
)
from phasewise.layers.augmentation.auto_contrast import AutoContrast as AutoContrast
from phasewise.layers.augmentation.center_crop import CenterCrop as CenterCrop
from phasewise.layers.augmentation.cut_mix import CutMix as CutMix
from phasewise.layers.augmentation.equalization import Equalization as Equalization
from phasewise.layers.augmentation.max_num_bounding_boxes import MaxNumBoundingBoxes as MaxNumBoundingBoxes
from phasewise.layers.augmentation.mix_up import MixUp as MixUp
from phasewise.layers.augmentation.random_brightness import RandomBrightness as RandomBrightness
from phasewise.layers.augmentation.random_color_degeneration import RandomColorDegeneration as RandomColorDegeneration
from phasewise.layers.augmentation.random_color_jitter import RandomColorJitter as RandomColorJitter
from phasewise.layers.augmentation.random_contrast import RandomContrast as RandomContrast
from phasewise.layers.augmentation.random_crop import RandomCrop as RandomCrop
from phasewise.layers.augmentation.random_elastic_transform import RandomElasticTransform as RandomElasticTransform
from phasewise.layers.augmentation.random_erasing import RandomErasing as RandomErasing
from phasewise.layers.augmentation.random_flip import RandomFlip as RandomFlip
from phasewise.layers.augmentation.random_gaussian_blur import RandomGaussianBlur as RandomGaussianBlur
from phasewise.layers.augmentation.random_grayscale import RandomGrayscale as RandomGrayscale
from phasewise.layers.augmentation.random_hue import RandomHue as RandomHue
from phasewise.layers.augmentation.random_invert import RandomInvert as RandomInvert
from phasewise.layers.augmentation.random_perspective import RandomPerspective as RandomPerspective
from phasewise.layers.augmentation.random_posterization import RandomPosterization as RandomPosterization
from phasewise.layers.augmentation.random_rotation import RandomRotation as RandomRotation
from phasewise.layers.augmentation.random_saturation import RandomSaturation as RandomSaturation
from phasewise.layers.augmentation.random_sharpness import RandomSharpness as RandomSharpness
from phasewise.layers.augmentation.random_shear import RandomShear as RandomShear
from phasewise.layers.augmentation.random_translation import RandomTranslation as RandomTranslation
from phasewise.layers.augmentation.random_zoom import RandomZoom as RandomZoom
from phasewise.layers.augmentation.resizing import Resizing as Resizing
from phasewise.layers.augmentation.solarization import Solarization as Solarization

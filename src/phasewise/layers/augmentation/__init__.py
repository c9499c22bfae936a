"""Layers that change images, one a file."""

from phasewise.layers.augmentation.adaptive_equalization import (
    ContrastLimitedAdaptiveHistogramEqualization as ContrastLimitedAdaptiveHistogramEqualization,
)
from phasewise.layers.augmentation.auto_contrast import AutoContrast as AutoContrast
from phasewise.layers.augmentation.equalization import Equalization as Equalization
from phasewise.layers.augmentation.random_brightness import RandomBrightness as RandomBrightness
from phasewise.layers.augmentation.random_color_degeneration import RandomColorDegeneration as RandomColorDegeneration
from phasewise.layers.augmentation.random_contrast import RandomContrast as RandomContrast
from phasewise.layers.augmentation.random_flip import RandomFlip as RandomFlip
from phasewise.layers.augmentation.random_gaussian_blur import RandomGaussianBlur as RandomGaussianBlur
from phasewise.layers.augmentation.random_grayscale import RandomGrayscale as RandomGrayscale
from phasewise.layers.augmentation.random_hue import RandomHue as RandomHue
from phasewise.layers.augmentation.random_invert import RandomInvert as RandomInvert
from phasewise.layers.augmentation.random_posterization import RandomPosterization as RandomPosterization
from phasewise.layers.augmentation.random_saturation import RandomSaturation as RandomSaturation
from phasewise.layers.augmentation.random_sharpness import RandomSharpness as RandomSharpness
from phasewise.layers.augmentation.solarization import Solarization as Solarization

"""Pooling: moving windows, windows that divide the input, whole axes."""

from phasewise.layers.pooling.adaptive import AdaptiveAveragePooling1D as AdaptiveAveragePooling1D
from phasewise.layers.pooling.adaptive import AdaptiveAveragePooling2D as AdaptiveAveragePooling2D
from phasewise.layers.pooling.adaptive import AdaptiveAveragePooling3D as AdaptiveAveragePooling3D
from phasewise.layers.pooling.adaptive import AdaptiveMaxPooling1D as AdaptiveMaxPooling1D
from phasewise.layers.pooling.adaptive import AdaptiveMaxPooling2D as AdaptiveMaxPooling2D
from phasewise.layers.pooling.adaptive import AdaptiveMaxPooling3D as AdaptiveMaxPooling3D
from phasewise.layers.pooling.moving import AveragePooling1D as AveragePooling1D
from phasewise.layers.pooling.moving import AveragePooling2D as AveragePooling2D
from phasewise.layers.pooling.moving import AveragePooling3D as AveragePooling3D
from phasewise.layers.pooling.moving import MaxPooling1D as MaxPooling1D
from phasewise.layers.pooling.moving import MaxPooling2D as MaxPooling2D
from phasewise.layers.pooling.moving import MaxPooling3D as MaxPooling3D
from phasewise.layers.pooling.whole_axes import GlobalAveragePooling1D as GlobalAveragePooling1D
from phasewise.layers.pooling.whole_axes import GlobalAveragePooling2D as GlobalAveragePooling2D
from phasewise.layers.pooling.whole_axes import GlobalAveragePooling3D as GlobalAveragePooling3D
from phasewise.layers.pooling.whole_axes import GlobalMaxPooling1D as GlobalMaxPooling1D
from phasewise.layers.pooling.whole_axes import GlobalMaxPooling2D as GlobalMaxPooling2D
from phasewise.layers.pooling.whole_axes import GlobalMaxPooling3D as GlobalMaxPooling3D

AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
)
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D

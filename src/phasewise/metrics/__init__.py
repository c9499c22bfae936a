"""Metrics, under Keras's names."""

from phasewise.metrics.accuracy import *  # noqa: F403
from phasewise.metrics.confusion import AUC as AUC
from phasewise.metrics.confusion import FalseNegatives as FalseNegatives
from phasewise.metrics.confusion import FalsePositives as FalsePositives
from phasewise.metrics.confusion import Precision as Precision
from phasewise.metrics.confusion import Recall as Recall
from phasewise.metrics.confusion import TrueNegatives as TrueNegatives
from phasewise.metrics.confusion import TruePositives as TruePositives
from phasewise.metrics.metric import Metric as Metric
from phasewise.metrics.metric import get as get
from phasewise.metrics.reduction import Mean as Mean
from phasewise.metrics.reduction import MeanMetricWrapper as MeanMetricWrapper
from phasewise.metrics.reduction import Sum as Sum
from phasewise.metrics.regression import *  # noqa: F403

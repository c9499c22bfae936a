"""Data: plans, and the executors that run them."""

from phasewise.data.checks import NonFiniteWarning as NonFiniteWarning
from phasewise.data.dataset import AUTOTUNE as AUTOTUNE
from phasewise.data.dataset import INFINITE_CARDINALITY as INFINITE_CARDINALITY
from phasewise.data.dataset import UNKNOWN_CARDINALITY as UNKNOWN_CARDINALITY
from phasewise.data.dataset import Dataset as Dataset
from phasewise.data.dataset import TensorSpec as TensorSpec
from phasewise.data.executor import make_executor as make_executor

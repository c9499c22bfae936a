"""Data: plans, and the executors that run them."""

from phasewise.data.cardinality import INFINITE_CARDINALITY as INFINITE_CARDINALITY
from phasewise.data.cardinality import UNKNOWN_CARDINALITY as UNKNOWN_CARDINALITY
from phasewise.data.dataset import AUTOTUNE as AUTOTUNE
from phasewise.data.dataset import Dataset as Dataset
from phasewise.data.element_spec import DatasetSpec as DatasetSpec
from phasewise.data.element_spec import TensorSpec as TensorSpec
from phasewise.data.executor import make_executor as make_executor

"""Records what tf.data makes of the plans of `tests/data/plans.py`, for the tests, which need no TensorFlow.

pip install tensorflow && python tests/data/recorded/record_plans.py
"""

import gzip
import json
import pathlib
import sys
import types

import tensorflow as tf

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import plans  # noqa: E402

TF = types.SimpleNamespace(
    Dataset=tf.data.Dataset,
    repeated=lambda n: tf.fill([n], n),
    doubled=lambda a: tf.logical_not(a) if a.dtype == tf.bool else a + a,
    is_even=lambda a: tf.equal(tf.cast(a, tf.int64) % 2, 0),
    as_count=lambda a: tf.math.abs(tf.cast(a, tf.int64)) % 3,
    cardinality=lambda plan: plan.cardinality().numpy(),
    spec=lambda plan: plans.plain_spec(
        plan.element_spec, lambda s: None if s.shape.rank is None else s.shape.as_list(), lambda s: s.dtype.name
    ),
)

if __name__ == "__main__":
    tf.get_logger().setLevel("ERROR")
    found = [[description, plans.outcome(TF, description)] for description in plans.descriptions()]
    record = {"tensorflow": tf.__version__, "plans": found}
    text = json.dumps(record, separators=(",", ":"))
    with gzip.GzipFile(HERE / "plans.json.gz", "wb", mtime=0) as file:
        file.write(text.encode())
    errors = [outcome["error"] for _, outcome in found if "error" in outcome]
    print(f"{len(found)} plans, {len(errors)} refused ({errors.count('making')} when made), {len(text)} characters")

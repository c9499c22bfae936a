"""Intersection over union: how far regions of labels and of predictions overlap, class by class."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, DTypeLike
from phasewise.losses.alignment import broadcast_rows, ratio, same_rank
from phasewise.losses.given_values import check_between_0_and_1, check_classes, is_known, notice_scores
from phasewise.metrics.metric import KIND, Metric

OF_VOID = " One that marks what belongs to no class is given as ignore_class."


@register(KIND)
class IoU(Metric):
    """true positives / (true positives + false positives + false negatives), the mean over the classes asked for that occur.

    A class that neither labels nor predictions hold does not count. A label or prediction that is no class, such as a void of 255,
    counts nowhere, and is refused where its value is known and it is not `ignore_class`; Keras leaves it out without a word. Weights
    may be of any size; Keras cuts them to whole numbers unless it is given a float `dtype`.

    Args:
        num_classes: at least 1.
        target_class_ids: list or tuple of classes below `num_classes`.
        ignore_class: label whose positions do not count, such as -1 or 255; or None.
        sparse_y_true, sparse_y_pred: whether labels and predictions are class numbers; else they have an axis of classes, of which the
            largest is taken.
        axis: that axis.

    Raises:
        ValueError: an argument is none of these; in a batch, labels and predictions do not fit, a label whose value is known is no
            class, or a prediction whose value is known is no whole number.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(dtype, name)
        self.num_classes, self.target_class_ids = num_classes, [int(each) for each in target_class_ids]
        if num_classes < 1:
            raise ValueError(f"{type(self).__name__}'s num_classes is at least 1; got {num_classes!r}.")
        wrong = [each for each in self.target_class_ids if not 0 <= each < num_classes]
        if wrong or not self.target_class_ids:
            raise ValueError(
                f"{type(self).__name__}'s target_class_ids are classes, in [0, {num_classes - 1}]; got {self.target_class_ids}."
            )
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable((num_classes, num_classes), "zeros", name="total_confusion_matrix")

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Take one batch into account: class numbers (rows, ...), or with an axis of classes; weights broadcast from the left."""
        y_true, y_pred = jnp.asarray(y_true), jnp.asarray(y_pred)
        shapes = f"labels of shape {y_true.shape} and predictions of shape {y_pred.shape}"
        y_true = y_true if self.sparse_y_true else jnp.argmax(y_true, self.axis)
        y_pred = y_pred if self.sparse_y_pred else jnp.argmax(y_pred, self.axis)
        y_true, y_pred = same_rank(y_true, y_pred)
        if y_true.shape != y_pred.shape:
            hint = " Scores of classes go with sparse_y_pred=False." if self.sparse_y_pred else ""
            raise ValueError(f"{type(self).__name__} cannot compare the classes of {shapes}.{hint}")
        weight = jnp.float32(1) if sample_weight is None else jnp.asarray(sample_weight).astype(jnp.float32)
        weight = jnp.broadcast_to(broadcast_rows(weight, y_true), y_true.shape)
        self._check_values(y_true, y_pred, weight)
        self.total_cm.assign_add(self._counted(y_true, y_pred, weight))

    def _check_values(self, y_true, y_pred, weight):
        name = type(self).__name__
        if all(map(is_known, (y_true, y_pred, weight))):
            exempt = np.asarray(weight) == 0
            check_classes(name, jnp.where(exempt, 0, y_true), self.num_classes, self.ignore_class, hint=OF_VOID)
            fractions = np.asarray(y_pred) != np.floor(np.asarray(y_pred, np.float64))
            if fractions.any():
                worst = np.asarray(y_pred)[fractions][0]
                raise ValueError(
                    f"{name} takes class numbers for predictions, and was given {worst:.6g}. Scores of classes go with "
                    "sparse_y_pred=False, one score a position with BinaryIoU."
                )

    def _counted(self, y_true, y_pred, weight):
        classes = self.num_classes
        counts = (y_true >= 0) & (y_true < classes) & (y_pred >= 0) & (y_pred < classes)
        if self.ignore_class is not None:
            counts &= y_true != self.ignore_class
        cell = y_true.astype(jnp.int32) * classes + y_pred.astype(jnp.int32)
        cell, weight = jnp.where(counts, cell, 0), jnp.where(counts, weight, 0)
        return jnp.bincount(cell.ravel(), weight.ravel(), length=classes * classes).reshape(classes, classes)

    def result(self) -> Array:
        """The value so far; 0 of nothing."""
        matrix, targets = jnp.asarray(self.total_cm.value), np.array(self.target_class_ids)
        right = jnp.diag(matrix)[targets]
        union = (matrix.sum(0) + matrix.sum(1))[targets] - right
        occurs = union > 0
        return ratio(jnp.where(occurs, ratio(right, union), 0).sum(), occurs.sum())

    def get_config(self) -> Config:
        """Every argument."""
        config = super().get_config()
        for name in ("num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis"):
            config[name] = getattr(self, name)
        return {name: value for name, value in config.items() if name not in self._fixed}

    _fixed = ()


@register(KIND)
class MeanIoU(IoU):
    """`IoU`, the mean over all classes that occur. Arguments as there.

    Predictions are class numbers by default: scores of classes need `sparse_y_pred=False`.
    """

    _fixed = ("target_class_ids",)

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


@register(KIND)
class OneHotIoU(IoU):
    """`IoU` of one-hot labels and, unless `sparse_y_pred`, of scores of classes. Arguments as there."""

    _fixed = ("sparse_y_true",)

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


@register(KIND)
class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot labels and, unless `sparse_y_pred`, of scores of classes. Arguments as for `IoU`."""

    _fixed = ("target_class_ids", "sparse_y_true")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)


@register(KIND)
class BinaryIoU(IoU):
    """`IoU` of yes and no: a prediction of at least `threshold` is class 1.

    Args:
        target_class_ids: (0,), (1,) or both, whose mean is taken.
        threshold: 0.5 for probabilities; for logits, give 0.

    Raises:
        ValueError: a class is another; in a batch, the shapes differ, or a label whose value is known is not 0 or 1.
    """

    _fixed = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Take one batch into account: labels (rows, ...) of 0 and 1, and scores of the same shape."""
        name = type(self).__name__
        check_between_0_and_1(name, y_true, is_binary=True)
        if self.threshold > 0:
            notice_scores(name, y_pred, f"{name}(threshold=0), since a probability of 0.5 is a logit of 0")
        super().update_state(y_true, jnp.asarray(y_pred) >= self.threshold, sample_weight)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "threshold": self.threshold}

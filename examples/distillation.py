"""Knowledge distillation on real handwritten digits: a small student learns from a large teacher what a few labels alone do not tell it.

The teacher stands in inference: it is called with `training=False` inside the student's `compute_loss`, so that its dropout passes through,
and its batch normalization normalizes with its moving statistics and leaves them as they are, to the bit. `explain()` says so.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import phasewise as pw
from phasewise import layers, ops


def network(units, name):
    """64 pixels to the logits of ten classes."""
    pixels = pw.Input((64,))
    x = layers.Dense(units, use_bias=False)(pixels)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x))
    x = layers.Dropout(0.2, name=f"{name}_dropout")(x)
    return pw.Model(pixels, layers.Dense(10)(x), name=name)


class Distilled(pw.Model):
    """A student that learns from labels and from a teacher.

    Args:
        student, teacher: models that give logits.
        share: of the loss, of the teacher's part.
        temperature: above 1, softens both distributions (Hinton et al. 2015).
    """

    def __init__(self, student, teacher, share=0.9, temperature=3.0):
        super().__init__(name="distilled")
        self.student, self.teacher = student, teacher
        self.share, self.temperature = share, temperature
        self.teacher.trainable = False
        self.distance = pw.metrics.Mean(name="distance")

    def call(self, x):
        return self.student(x)

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        own = super().compute_loss(x, y, y_pred, sample_weight, training)
        soft = ops.softmax(self.teacher(x, training=False) / self.temperature)
        distance = ops.mean(ops.categorical_crossentropy(soft, y_pred / self.temperature, from_logits=True))
        self.distance.update_state(distance)
        return (1 - self.share) * own + self.share * self.temperature**2 * distance


def main(epochs=60):
    """A teacher on all labels; a student on few of them, alone and with the teacher beside it, on all images."""
    pw.set_random_seed(1)
    images, labels = load_digits(return_X_y=True)
    x, test_x, y, test_y = train_test_split(
        (images / 16).astype(np.float32), labels, test_size=0.25, random_state=0, stratify=labels
    )
    few = np.arange(len(x)) < 60
    loss = pw.losses.SparseCategoricalCrossentropy(from_logits=True)

    teacher = network(256, "teacher")
    teacher.compile(pw.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    teacher.fit(x, y, batch_size=32, epochs=epochs // 2, verbose=0)
    before = [weight.copy() for weight in teacher.get_weights()]

    alone = network(16, "alone")
    alone.compile(pw.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    alone.fit(x[few], y[few], batch_size=32, epochs=epochs * 4, verbose=0)

    distilled = Distilled(network(16, "student"), teacher)
    distilled.compile(pw.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    # Labels of the others do not count; what the teacher says of them does.
    distilled.fit(x, y, batch_size=32, epochs=epochs, verbose=0, sample_weight=few.astype(np.float32))

    for name, model in (("teacher", teacher), ("student alone", alone), ("student distilled", distilled)):
        accuracy = model.evaluate(test_x, test_y, verbose=0, return_dict=True)["accuracy"]
        print(f"held-out digits recognised, {name:<18} {accuracy:>7.1%}")
    same = all(np.array_equal(a, b) for a, b in zip(before, teacher.get_weights()))
    print(f"teacher's weights and statistics: {'as before, to the bit' if same else 'changed'}")
    distilled.explain()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

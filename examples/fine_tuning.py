"""Fine-tuning on real handwritten digits: a convolutional network that knows 0 to 4 learns 5 to 9, its normalization frozen and unfrozen.

The digits are scikit-learn's; the new ones come from another scanner, at half the brightness. A new head on the old backbone is trained
first, then the convolutions, and last batch normalization. As long as that is frozen it normalizes with the moving statistics of the old
digits, in `fit` too, and what the old head knew stays. From the moment it is unfrozen the same `fit`, without another compile, normalizes with
its batches, and its statistics go over to the new digits.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import phasewise as pw
from phasewise import layers


def build_backbone():
    """8 x 8 pixels to 256 features in three convolutions."""
    x = pixels = pw.Input((8, 8, 1))
    for number, (filters, strides) in enumerate([(16, 1), (32, 2), (64, 2)], start=1):
        x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False, name=f"conv_{number}")(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9, name=f"bn_{number}")(x))
    return pw.Model(pixels, layers.Flatten()(x), name="backbone")


def with_head(backbone, name, rate):
    """The backbone with five classes on top, compiled."""
    pixels = pw.Input((8, 8, 1))
    x = layers.Dropout(0.2, name="dropout")(backbone(pixels))
    model = pw.Model(pixels, layers.Dense(5, activation="softmax")(x), name=name)
    model.compile(pw.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def data():
    """((x, y) to train on, (x, y) to test on) for the digits 0 to 4, and for 5 to 9 at half the brightness."""
    images, labels = load_digits(return_X_y=True)
    images = images.astype(np.float32).reshape(-1, 8, 8, 1) / 16
    parts = []
    for chosen, brightness in ((labels < 5, 1.0), (labels >= 5, 0.5)):
        x, y = brightness * images[chosen], labels[chosen] % 5
        train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
        parts.append(((train_x, train_y), (test_x, test_y)))
    return parts


class FineTuning:
    """The two models around one backbone, and what is told of them after each stage."""

    def __init__(self):
        (self.old_train, self.old_test), (self.new_train, self.new_test) = data()
        self.backbone = build_backbone()
        self.normalizations = [layer for layer in self.backbone.layers if isinstance(layer, layers.BatchNormalization)]
        self.old, self.new = (
            with_head(self.backbone, "digits_0_to_4", 3e-3),
            with_head(self.backbone, "digits_5_to_9", 1e-2),
        )

    def moving_means(self):
        """Those of all normalizations, as one array."""
        return np.concatenate([layer.moving_mean.numpy() for layer in self.normalizations])

    def learn(self, stage, epochs):
        """Train the new model, and print a row: what both models know, and whether the statistics moved."""
        before = self.moving_means()
        self.new.fit(*self.new_train, batch_size=32, epochs=epochs, verbose=0)
        same = "as before, to the bit" if np.array_equal(before, self.moving_means()) else "follow the new digits"
        self.tell(stage, same, accuracy(self.old, self.old_test), accuracy(self.new, self.new_test))

    def tell(self, stage, statistics, *accuracies):
        """Print a row."""
        print(f"{stage:<38}{''.join(f'{value:>8.1%}' for value in accuracies):<16}   {statistics}")


def accuracy(model, examples):
    """The fraction of digits recognised."""
    return model.evaluate(*examples, verbose=0, return_dict=True)["accuracy"]


def changed_lines(before, after):
    """What two explanations say that layers do differently: a line for each layer and task."""
    for old, new in zip(before, after, strict=True):
        for task in ("fit", "evaluate", "predict"):
            was, now = getattr(old, task), getattr(new, task)
            if was.action != now.action:
                yield f"  {new.layer} in {task}: {was.action} ({was.reason}) -> {now.action} ({now.reason})"


def main(epochs=8):
    """0 to 4, then 5 to 9 in three stages, and what `explain()` says before and after normalization is unfrozen."""
    pw.set_random_seed(1)
    told = FineTuning()
    print(f"{'held-out digits recognised':<38}{'0 to 4':>8}{'5 to 9':>8}   moving statistics")
    told.old.fit(*told.old_train, batch_size=32, epochs=epochs, verbose=0)
    told.tell("0 to 4 learnt", "those of 0 to 4", accuracy(told.old, told.old_test))

    told.backbone.trainable = False  # with every layer inside: batch normalization is in inference in `fit` too
    told.learn("head for 5 to 9, backbone frozen", 3 * epochs // 2)

    told.backbone.trainable = True
    for layer in told.normalizations:
        layer.trainable = False  # the common recipe: weights are tuned, statistics stay those of the first task
    told.new.optimizer.learning_rate = 1e-3
    told.learn("convolutions too, normalization frozen", epochs)
    frozen = told.new.explain(print_fn=False)

    for layer in told.normalizations:
        layer.trainable = True  # takes effect at the next fit, without another compile
    told.learn("normalization unfrozen", epochs)
    unfrozen = told.new.explain(print_fn=False)

    print(f"\nNormalization frozen.\n{frozen}\n\nNormalization unfrozen.\n{unfrozen}\n\nWhat is done differently now:")
    print("\n".join(changed_lines(frozen, unfrozen)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

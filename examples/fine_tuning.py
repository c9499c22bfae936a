"""Fine-tuning on real handwritten digits: freeze a trained backbone, train a head, unfreeze, train on with a smaller rate.

A backbone with batch normalization learns the digits 0 to 4. A new head then learns 5 to 9 from few images taken under
another light (0.5 x + 0.5). The pitfall: weights that are frozen do not protect a batch normalization layer whose moving statistics
still follow the new images. What the first model knew is then lost, without a single weight having been trained.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import phasewise as pw
from phasewise import layers


def build_backbone():
    """64 pixels to 64 features."""
    return pw.Sequential(
        [
            pw.Input((64,)),
            layers.Dense(128, activation="relu"),
            layers.BatchNormalization(name="bn_1"),
            layers.Dropout(0.2),
            layers.Dense(64, activation="relu"),
            layers.BatchNormalization(name="bn_2"),
        ],
        name="backbone",
    )


def with_head(backbone, name, rate):
    """The backbone with five classes on top, compiled."""
    x = pw.Input((64,))
    model = pw.Model(x, layers.Dense(5, activation="softmax", name=name)(backbone(x)))
    model.compile(pw.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def data():
    """((x, y) to train on, (x, y) to test on) for the digits 0 to 4, and for 5 to 9 under another light."""
    images, labels = load_digits(return_X_y=True)
    images = images.astype(np.float32) / 16
    parts = []
    for chosen, light in ((labels < 5, lambda x: x), (labels >= 5, lambda x: 0.5 * x + 0.5)):
        x, y = light(images[chosen]), labels[chosen] % 5
        train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.5, random_state=0, stratify=y)
        parts.append(((train_x, train_y), (test_x, test_y)))
    return parts


def accuracy(model, examples):
    """The fraction of digits recognised."""
    return model.evaluate(*examples, verbose=0, return_dict=True)["accuracy"]


def fine_tune(freeze_normalization):
    """Learn 0 to 4, then 5 to 9 on the frozen backbone; prints what both models know at each stage. Returns the new one."""
    pw.set_random_seed(0)
    pw.backend.clear_session()
    (old_train, old_test), (new_train, new_test) = data()
    backbone = build_backbone()
    old = with_head(backbone, "digits_0_to_4", 1e-3)
    old.fit(*old_train, batch_size=25, epochs=30, verbose=0)
    told("0 to 4 learnt", accuracy(old, old_test))

    normalizations = [layer for layer in backbone.layers if isinstance(layer, layers.BatchNormalization)]
    backbone.trainable = False  # with every layer inside: batch normalization is in inference in `fit` too
    if not freeze_normalization:
        for layer in normalizations:
            layer.trainable = True
            layer.gamma.trainable = layer.beta.trainable = (
                False  # no weight is trained; the statistics move all the same
            )
    before = [layer.moving_mean.numpy() for layer in normalizations]
    new = with_head(backbone, "digits_5_to_9", 1e-2)
    new.fit(*new_train, batch_size=25, epochs=30, verbose=0)
    told("head for 5 to 9 trained", accuracy(old, old_test), accuracy(new, new_test))
    same = all(np.array_equal(mean, layer.moving_mean.numpy()) for mean, layer in zip(before, normalizations))
    print(f"  statistics bit for bit as before: {'yes' if same else 'NO'}")
    if not freeze_normalization:
        return new

    backbone.trainable = True  # takes effect at the next fit, without another compile
    for layer in normalizations:
        layer.trainable = False  # the common recipe: weights are tuned, statistics stay those of the first task
    new.optimizer.learning_rate = 1e-4
    new.fit(*new_train, batch_size=25, epochs=30, verbose=0)
    told("backbone unfrozen, rate 1e-4", accuracy(old, old_test), accuracy(new, new_test))
    return new


def told(stage, *accuracies):
    """Print a row."""
    print(f"  {stage:<32}" + "".join(f"{value:>10.1%}" for value in accuracies))


def main():
    """Both ways, and what `explain()` says of the first."""
    print(f"{'accuracy on held-out digits':<34}{'0 to 4':>10}{'5 to 9':>10}\n\nbackbone frozen, normalization too")
    tuned = fine_tune(freeze_normalization=True)
    print("\nbackbone frozen, but batch normalization left unfrozen")
    fine_tune(freeze_normalization=False)
    print()
    tuned.explain()


if __name__ == "__main__":
    main()

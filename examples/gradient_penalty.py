"""Gradient penalties: a loss that contains a gradient, inside a step that takes gradients of that loss.

First an input-gradient regularizer (Drucker & Le Cun 1992) on real handwritten digits: a classifier whose loss changes little when its input
does, and which light noise therefore fools less. Then the critic of a WGAN-GP (Gulrajani et al. 2017), whose slope is kept near 1.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import phasewise as pw
from phasewise import layers, ops


class SmoothClassifier(pw.Model):
    """A functional model whose loss has a part for the slope of the loss along the input.

    Args:
        penalty: factor of the mean squared slope of a row.
    """

    def __init__(self, inputs, outputs, penalty=0.0):
        super().__init__(inputs, outputs)
        self.penalty = penalty
        self.slope = pw.metrics.Mean(name="slope")

    def train_step(self, data):
        x, y = data

        def loss_of():
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred)
            slopes = pw.grad(lambda x: ops.sum(self.loss_of_rows(y, self(x, training=True))))(x)
            slope = ops.mean(ops.sum(ops.square(slopes), axis=1))
            return loss + self.penalty * slope, (y_pred, slope)

        (_, (y_pred, slope)), gradients = self.value_and_grad(loss_of, has_aux=True)()
        self.optimizer.apply(gradients, self.trainable_variables)
        self.slope.update_state(slope)
        return self.compute_metrics(*data, y_pred)

    loss_of_rows = staticmethod(pw.losses.sparse_categorical_crossentropy)


class Critic(pw.Model):
    """Tells real points from made ones, by a function whose slope between both is near 1."""

    def __init__(self, inputs, outputs, penalty=10.0):
        super().__init__(inputs, outputs)
        self.penalty = penalty
        self.seeds = pw.random.SeedGenerator(5)
        self.slope = pw.metrics.Mean(name="slope")

    def train_step(self, data):
        real, made = data
        share = pw.random.uniform((real.shape[0], 1), seed=self.seeds)
        between = share * real + (1 - share) * made

        def loss_of():
            slopes = pw.grad(lambda x: ops.sum(self(x, training=True)))(between)
            slope = ops.sqrt(ops.sum(ops.square(slopes), axis=1) + 1e-12)
            distance = ops.mean(self(real, training=True)) - ops.mean(self(made, training=True))
            return -distance + self.penalty * ops.mean(ops.square(slope - 1)), (distance, ops.mean(slope))

        (loss, (distance, slope)), gradients = self.value_and_grad(loss_of, has_aux=True)()
        self.optimizer.apply(gradients, self.trainable_variables)
        self.slope.update_state(slope)
        return {"loss": loss, "distance": distance, "slope": self.slope.result()}


def classifier(penalty):
    """64 pixels to ten classes."""
    pixels = pw.Input((64,))
    x = layers.Dense(64, activation="tanh")(pixels)
    x = layers.Dense(64, activation="tanh")(x)
    model = SmoothClassifier(pixels, layers.Dense(10, activation="softmax")(x), penalty)
    model.compile(pw.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def digits(epochs):
    """The classifier with and without a penalty: the slope, and what noise along it does."""
    images, labels = load_digits(return_X_y=True)
    x, test_x, y, test_y = train_test_split(
        (images / 16).astype(np.float32), labels, test_size=0.25, random_state=0, stratify=labels
    )
    for penalty in (0.0, 0.3):
        pw.set_random_seed(1)
        model = classifier(penalty)
        history = model.fit(x, y, batch_size=32, epochs=epochs, verbose=0).history
        known = model.evaluate(test_x, test_y, verbose=0, return_dict=True)["accuracy"]
        moved = test_x + 0.1 * np.sign(slopes_of(model, test_x, test_y))
        fooled = model.evaluate(moved, test_y, verbose=0, return_dict=True)["accuracy"]
        print(
            f"penalty {penalty}: slope {history['slope'][-1]:<9.2g} recognised {known:.1%}, against the slope {fooled:.1%}"
        )


def slopes_of(model, x, y):
    """The gradient of each row's loss with respect to the row."""
    return np.asarray(pw.grad(lambda x: ops.sum(model.loss_of_rows(y, model(x, training=False))))(x))


def points(epochs):
    """A critic between two clouds of points that are 2 apart: the distance that it finds, and its slope."""
    pw.set_random_seed(1)
    rng = np.random.default_rng(0)
    real = (0.1 * rng.normal(size=(1024, 2)) + [1, 0]).astype(np.float32)
    made = (0.1 * rng.normal(size=(1024, 2)) - [1, 0]).astype(np.float32)
    place = pw.Input((2,))
    x = layers.Dense(32, activation="tanh")(place)
    critic = Critic(place, layers.Dense(1)(x))
    critic.compile(pw.optimizers.Adam(5e-3))
    history = critic.fit(real, made, batch_size=64, epochs=epochs, verbose=0).history
    print(f"critic: distance {history['distance'][-1]:.2f} of 2, slope {history['slope'][-1]:.2f}")


def main(epochs=30):
    """Both."""
    digits(epochs)
    points(epochs)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""A GAN on real handwritten digits: two models and two optimizers in one `train_step`, compiled into one program.

The generator makes digits out of noise; the discriminator tells them from scikit-learn's. Each has batch normalization or dropout, and each
of its calls says in which phase it is: `explain()` lists them all. The discriminator is trained on a batch of both kinds, then the generator
through it.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits

import phasewise as pw
from phasewise import layers, ops

NOISE = 16


def build_generator():
    """Noise to an image of 64 pixels in [0, 1]."""
    noise = pw.Input((NOISE,))
    x = layers.Dense(64, use_bias=False)(noise)
    x = layers.LeakyReLU(0.2)(layers.BatchNormalization(momentum=0.9, name="generator_bn")(x))
    x = layers.Dense(128, activation="relu")(x)
    return pw.Model(noise, layers.Dense(64, activation="sigmoid")(x), name="generator")


def build_discriminator():
    """An image to the logit of its being real."""
    image = pw.Input((64,))
    x = layers.LeakyReLU(0.2)(layers.Dense(128)(image))
    x = layers.Dropout(0.3, name="discriminator_dropout")(x)
    x = layers.LeakyReLU(0.2)(layers.Dense(64)(x))
    return pw.Model(image, layers.Dense(1)(x), name="discriminator")


class GAN(pw.Model):
    """Trains a generator against a discriminator; called on noise, it is the generator."""

    def __init__(self, generator, discriminator):
        super().__init__(name="gan")
        self.generator, self.discriminator = generator, discriminator
        self.seeds = pw.random.SeedGenerator(3)
        self.generator_loss = pw.metrics.Mean(name="generator_loss")
        self.discriminator_loss = pw.metrics.Mean(name="discriminator_loss")
        self.told_apart = pw.metrics.BinaryAccuracy(name="told_apart", threshold=0.0)

    def compile(self, generator_optimizer, discriminator_optimizer, loss):
        """Each of the two has an optimizer of its own."""
        super().compile()
        self.generator_optimizer, self.discriminator_optimizer = generator_optimizer, discriminator_optimizer
        self.loss_of_logits = loss

    def call(self, noise):
        return self.generator(noise)

    def train_step(self, images):
        rows = images.shape[0]
        truth = ops.concatenate([ops.ones((rows, 1)), ops.zeros((rows, 1))])

        def discriminator_loss():
            made = self.generator(self.noise(rows), training=True)
            logits = self.discriminator(ops.concatenate([images, made]), training=True)
            return self.loss_of_logits(truth, logits), logits

        def generator_loss():
            made = self.generator(self.noise(rows), training=True)
            return self.loss_of_logits(ops.ones((rows, 1)), self.discriminator(made, training=True))

        learner = self.discriminator.trainable_variables
        (loss, logits), gradients = self.value_and_grad(
            discriminator_loss, learner, has_aux=True, optimizer=self.discriminator_optimizer
        )()
        self.discriminator_optimizer.apply(gradients, learner)
        self.discriminator_loss.update_state(loss)
        self.told_apart.update_state(truth, logits)

        learner = self.generator.trainable_variables
        loss, gradients = self.value_and_grad(generator_loss, learner, optimizer=self.generator_optimizer)()
        self.generator_optimizer.apply(gradients, learner)
        self.generator_loss.update_state(loss)
        return {metric.name: metric.result() for metric in self.metrics if metric.name != "loss"}

    def noise(self, rows):
        """Other noise in every step."""
        return pw.random.normal((rows, NOISE), seed=self.seeds)


def main(epochs=120):
    """Train it; how far the digits that it makes are from real ones, before and after."""
    pw.set_random_seed(1)
    images = load_digits().data.astype(np.float32) / 16
    gan = GAN(build_generator(), build_discriminator())
    gan.compile(
        pw.optimizers.Adam(2e-3, beta_1=0.5),
        pw.optimizers.Adam(1e-3, beta_1=0.5),
        pw.losses.BinaryCrossentropy(from_logits=True),
    )
    noise = np.random.default_rng(0).normal(size=(512, NOISE)).astype(np.float32)
    print(f"distance to real digits before       {distance(gan.predict(noise, verbose=0), images):.3f}")
    history = gan.fit(images, batch_size=64, epochs=epochs, verbose=0).history
    made = gan.predict(noise, verbose=0)
    print(f"distance to real digits after        {distance(made, images):.3f}")
    print(f"told apart in the last epoch         {history['told_apart'][-1]:.1%}")
    print("\nTwo of them:\n" + drawn(made[:2]))
    gan.explain()


def distance(made, images):
    """Between the mean images and the standard deviations of all pixels."""
    return float(np.abs(made.mean(0) - images.mean(0)).mean() + np.abs(made.std(0) - images.std(0)).mean())


def drawn(images):
    """Images side by side, in characters."""
    shades = np.array(list(" .:-=+*#%@"))
    rows = shades[np.clip(images * 10, 0, 9).astype(int)].reshape(len(images), 8, 8)
    return "\n".join("   ".join("".join(image[row]) for image in rows) for row in range(8))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""A script that trains with a backup, to be killed and started again: python resumed_run.py FOLDER SAVE_FREQ. Prints when it trains."""

import os
import sys

import numpy as np

import phasewise as pw


def model():
    pw.backend.clear_session()
    x = pw.Input((4,))
    h = pw.layers.Dropout(0.4)(pw.layers.BatchNormalization()(x))
    h = pw.layers.GaussianNoise(0.1)(pw.layers.Dense(5, activation="relu")(h))
    made = pw.Model(x, pw.layers.Dense(1, activation="sigmoid")(h))
    made.compile(pw.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return made


def train(folder, save_freq, epochs=30, told=lambda: None):
    """The trained model: all of `folder` is what runs before this one have left."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4)).astype("float32")
    y = (x.sum(1) > 0).astype("float32")
    made = model()
    callbacks = [
        pw.callbacks.BackupAndRestore(os.path.join(folder, "backup"), save_freq),
        pw.callbacks.ReduceLROnPlateau("val_loss", factor=0.9, patience=1),
        pw.callbacks.CSVLogger(os.path.join(folder, "log.csv")),
        pw.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: told()),
    ]
    data = pw.Dataset.from_tensor_slices((x, y)).shuffle(300).batch(8)
    made.fit(data, epochs=epochs, verbose=0, callbacks=callbacks, validation_data=(x[:50], y[:50]))
    return made


if __name__ == "__main__":
    pw.set_random_seed(7)
    folder, frequency = sys.argv[1:3]
    trained = train(
        folder, int(frequency) if frequency.isdigit() else frequency, told=lambda: print("trains", flush=True)
    )
    history = {f"history_{name}": values for name, values in trained.history.history.items()}
    np.savez(os.path.join(folder, "done.npz"), *trained.get_weights(), **history)

"""A training step of two LSTM of 64 units over 50 steps, batch 64, with batch normalization.

`recurrent.py LIBRARY between`: its seconds, a BatchNormalization layer behind each LSTM. `inside`: its seconds, ours with the terms
of the LSTM normalized, the peer, which has no such thing, as before. `over_plain`: how many times the processor time of the same
LSTM without it a step of ours with normalized terms takes; the two take turns, so that a busy machine disturbs little.
"""

import json
import statistics
import time
import warnings

import numpy as np
from libraries import arguments_given, load, name_given
from timing import epoch_timer

STEPS, BATCH, TURNS = 40, 64, 9
library = load(name_given())
layers = library.layers
rng = np.random.RandomState(0)
X, Y = rng.randn(STEPS * BATCH, 50, 32).astype(np.float32), rng.randint(0, 10, STEPS * BATCH)


def network(normalizes_between, **arguments):
    """Compiled, with cross-entropy over ten classes."""
    model = library.Sequential([library.Input((50, 32))])
    for is_last in (False, True):
        model.add(layers.LSTM(64, return_sequences=not is_last, **arguments))
        if normalizes_between:
            model.add(layers.BatchNormalization())
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
    return model


def seconds(model):
    """The median epoch, without the first, by the step."""
    timer, found = epoch_timer(library)
    model.fit(X, Y, batch_size=BATCH, epochs=6, verbose=0, callbacks=[timer])
    return statistics.median(found[1:]) / STEPS


def over_plain():
    """The median ratio of processor times over turns, without the first."""
    models, ratios = [network(False, normalization=each) for each in ("batch", None)], []
    for _ in range(TURNS + 1):
        spent = []
        for model in models:
            begun = time.process_time()
            model.fit(X, Y, batch_size=BATCH, verbose=0)
            spent.append(time.process_time() - begun)
        ratios.append(spent[0] / spent[1])
    return statistics.median(ratios[1:])


warnings.simplefilter("ignore")  # six epochs are few for the moving statistics, which are not used here
(measured,) = arguments_given()
if measured == "over_plain":
    value = over_plain()
elif measured == "inside" and hasattr(library, "recalibrate"):
    value = seconds(network(False, normalization="batch"))
else:
    value = seconds(network(True))
print(json.dumps({"value": value}))

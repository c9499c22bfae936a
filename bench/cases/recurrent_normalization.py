"""How many times the processor time of the same LSTM without it a step with batch normalization inside takes.

Two LSTM of 64 units over 50 steps, batch 64. The two take turns, so that a busy machine disturbs little.
"""

import json
import statistics
import time
import warnings

import numpy as np
from libraries import load, name_given

STEPS, BATCH, TURNS = 40, 64, 9
library = load(name_given())
layers = library.layers
rng = np.random.RandomState(0)
X, Y = rng.randn(STEPS * BATCH, 50, 64).astype(np.float32), rng.randint(0, 10, STEPS * BATCH)


def network(normalization):
    """Compiled, with cross-entropy over ten classes."""
    model = library.Sequential([library.Input((50, 64))])
    for is_last in (False, True):
        model.add(layers.LSTM(64, return_sequences=not is_last, normalization=normalization))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
    return model


warnings.simplefilter("ignore")  # these epochs are few for the moving statistics, which are not used here
models, ratios = [network(each) for each in ("batch", None)], []
for _ in range(TURNS + 1):
    spent = []
    for model in models:
        begun = time.process_time()
        model.fit(X, Y, batch_size=BATCH, verbose=0)
        spent.append(time.process_time() - begun)
    ratios.append(spent[0] / spent[1])
print(json.dumps({"value": statistics.median(ratios[1:])}))

"""What every layer promises, found through the registry: deterministic and batch-invariant in inference, pure, asked truly.

A new layer needs one line in `MAKE`, or none where its parity row can make it.
"""

import augmentation_rows
import colour_rows
import jax
import numpy as np
import preprocessing_rows
import pytest
from recurrent_rows import of
from test_parity import TABLE, made

import phasewise as pw
from parity import Ids, Words, called
from phasewise.core import registry
from phasewise.graph.symbolic import is_symbolic
from phasewise.layer.signature import call_signature
from phasewise.switch import phase

pytestmark = pytest.mark.filterwarnings("ignore::phasewise.warning.NoEffectWarning")  # models of one layer that draws
ROWS = 12
# With gates that are 0 or 1 to the last digit, nothing that is dropped would be seen.
UNSATURATED = {"activation": "softsign", "recurrent_activation": "softsign"}
RNG = np.random.default_rng(0)
# Layers whose parity row shows them with their randomness switched off, or that have none.
MAKE = {
    "Dropout": ({"rate": 0.5}, (ROWS, 5)),
    "SpatialDropout1D": ({"rate": 0.5}, (ROWS, 3, 5)),
    "SpatialDropout2D": ({"rate": 0.5}, (ROWS, 2, 3, 5)),
    "SpatialDropout3D": ({"rate": 0.5}, (ROWS, 2, 2, 3, 5)),
    "AlphaDropout": ({"rate": 0.5}, (ROWS, 5)),
    "GaussianDropout": ({"rate": 0.5}, (ROWS, 5)),
    "MultiHeadAttention": (
        {"num_heads": 2, "key_dim": 3, "dropout": 0.5},
        {"query": (ROWS, 4, 5), "value": (ROWS, 4, 5)},
    ),
    "GroupQueryAttention": (
        {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2, "dropout": 0.5},
        {"query": (ROWS, 4, 5), "value": (ROWS, 4, 5)},
    ),
    "Attention": ({"dropout": 0.5}, [(ROWS, 4, 5), (ROWS, 3, 5)]),
    "AdditiveAttention": ({"dropout": 0.5}, [(ROWS, 4, 5), (ROWS, 3, 5)]),
    "GaussianNoise": ({"stddev": 1.0}, (ROWS, 5)),
    "SimpleRNN": ({"units": 3, "dropout": 0.5, "activation": "softsign"}, (ROWS, 4, 5)),
    "GRU": ({"units": 3, "recurrent_dropout": 0.5, **UNSATURATED}, (ROWS, 4, 5)),
    "LSTM": ({"units": 3, "dropout": 0.5, "recurrent_dropout": 0.5, **UNSATURATED}, (ROWS, 4, 5)),
    "RNN": ({"cell": of("GRUCell", 3, dropout=0.5, **UNSATURATED)}, (ROWS, 4, 5)),
    "Bidirectional": ({"layer": of("GRU", 3, dropout=0.5, **UNSATURATED)}, (ROWS, 4, 5)),
    "TimeDistributed": ({"layer": of("Dropout", 0.5, name="it")}, (ROWS, 4, 5)),
    "ConvLSTM1D": ({"filters": 2, "kernel_size": 2, "dropout": 0.5, **UNSATURATED}, (ROWS, 3, 5, 2)),
    "ConvLSTM2D": (
        {"filters": 2, "kernel_size": 2, "recurrent_dropout": 0.5, "padding": "same", **UNSATURATED},
        (ROWS, 3, 4, 4, 2),
    ),
    "ConvLSTM3D": ({"filters": 2, "kernel_size": 2, "dropout": 0.5, **UNSATURATED}, (ROWS, 2, 3, 3, 2, 2)),
    "Lambda": ({"function": jax.numpy.tanh}, (ROWS, 5)),
    "Pipeline": ({"layers": [pw.layers.Rescaling(2.0), pw.layers.Dense(3)]}, (ROWS, 5)),
    **preprocessing_rows.MAKE,
    **augmentation_rows.RANDOM,
    **colour_rows.RANDOM,
}
STATE = (ROWS, 3)
MAKE |= {  # cells, called by themselves
    "SimpleRNNCell": ({"units": 3, "dropout": 0.5, "activation": "softsign"}, {"inputs": (ROWS, 5), "states": [STATE]}),
    "GRUCell": ({"units": 3, "recurrent_dropout": 0.5, **UNSATURATED}, {"inputs": (ROWS, 5), "states": [STATE]}),
    "LSTMCell": ({"units": 3, "dropout": 0.5, **UNSATURATED}, {"inputs": (ROWS, 5), "states": [STATE, STATE]}),
    "ConvLSTMCell": (
        {"rank": 1, "filters": 3, "kernel_size": 2, "padding": "same", "dropout": 0.5, **UNSATURATED},
        {"inputs": (ROWS, 4, 2), "states": [(ROWS, 4, 3), (ROWS, 4, 3)]},
    ),
    "StackedRNNCells": (
        lambda: pw.layers.StackedRNNCells([pw.layers.SimpleRNNCell(3, "softsign", dropout=0.5), pw.layers.GRUCell(3)]),
        {"inputs": (ROWS, 5), "states": [STATE, STATE]},
    ),
}


def functional():
    """A model of one layer."""
    inputs = pw.Input((5,))
    return pw.Model(inputs, pw.layers.Dropout(0.5, name="it")(inputs))


MAKE |= {  # what only calls layers, with one that drops inside
    "Model": (functional, (ROWS, 5)),
    "Sequential": (lambda: pw.Sequential([pw.Input((5,)), pw.layers.Dropout(0.5, name="it")]), (ROWS, 5)),
}
# Not here, with the reason.
LEFT_OUT = {"InputLayer": "it has no call: it stands for the arrays that come in"}


def cases():
    """(name, arguments, input shapes) of one instance of every registered layer."""
    rows = {}
    for name, arguments, shapes in TABLE:
        rows.setdefault(name, (arguments, shapes))
    names = [cls.__name__ for cls in registry.members("layer") if cls.__name__ not in LEFT_OUT]
    return [(name, *(MAKE.get(name) or rows[name])) for name in dict.fromkeys(names)]


CASES = cases()
NAMES = [name for name, _, _ in CASES]


def inputs_for(shapes):
    """ROWS rows of these shapes, away from zero so that statistics matter."""

    def drawn(shape):
        if isinstance(shape, Ids):
            return RNG.integers(0, shape.count, (ROWS, *shape[1:])).astype("int32")
        if isinstance(shape, Words):
            return shape.drawn(RNG, (ROWS, *shape[1:]))
        return RNG.normal(2.0, 1.0, (ROWS, *shape[1:])).astype("float32")

    return jax.tree.map(drawn, shapes, is_leaf=lambda each: isinstance(each, tuple))


def inputs_like(x):
    """Symbolic inputs for arrays like these."""
    return jax.tree.map(lambda a: pw.Input(a.shape[1:], dtype="string" if a.dtype == object else a.dtype.name), x)


def first_output(layer, inputs, **call):
    """What the layer returns; of a cell the output alone."""
    return jax.tree.leaves(called(layer, inputs, **call), is_leaf=is_symbolic)[0]


class Case:
    """One layer in a model of its own, its weights away from their initial values."""

    def __init__(self, name, arguments, shapes):
        self.x = inputs_for(shapes)
        self.layer = arguments() if callable(arguments) else made(pw, name, arguments, name="it")
        inputs = inputs_like(self.x)
        self.model = pw.Model(inputs, first_output(self.layer, inputs))
        self.model.set_weights([np.abs(w) + RNG.uniform(0.5, 1.5, w.shape) for w in self.model.get_weights()])
        self.weights = self.model.get_weights()
        self.inference = np.asarray(self.model(self.x))

    def restore(self):
        self.model.set_weights(self.weights)
        return self

    def rows(self, chosen):
        return jax.tree.map(lambda a: a[chosen], self.x)

    def predict(self, x=None, **options):
        return self.model.predict(self.x if x is None else x, verbose=0, **options)

    def train(self):
        """The output of a call in training; the weights are put back."""
        y = np.asarray(self.model(self.x, training=True))
        self.restore()
        return y

    @property
    def depends(self):
        """Whether training and inference are observed to differ, in output or in what is written."""
        before = np.asarray(self.model(self.x))
        after = np.asarray(self.model(self.x, training=True))
        wrote = any(not np.array_equal(a, b) for a, b in zip(self.weights, self.model.get_weights()))
        self.restore()
        return wrote or not np.array_equal(before, after)


# Every normalization layer, and a class or two of each other family: of the rest `make test-all` tells.
OF_EVERY_FAMILY = {
    "Activation",
    "Add",
    "Bidirectional",
    "Concatenate",
    "Conv2D",
    "Dense",
    "Dropout",
    "Embedding",
    "GaussianNoise",
    "LSTM",
    "LSTMCell",
    "MaxPooling2D",
    "MixUp",
    "Model",
    "MultiHeadAttention",
    "RandomRotation",
    "Resizing",
    "Sequential",
    "StringLookup",
}


def marked(cases):
    """The cases, of which few belong to every run of the tests."""
    for case in cases:
        family = (getattr(pw.layers, case[0], None) or getattr(pw, case[0])).__module__.split(".")[2]
        is_further = family != "normalization" and case[0] not in OF_EVERY_FAMILY
        yield pytest.param(case, marks=[pytest.mark.extensive] if is_further else [])


@pytest.fixture(scope="module", params=marked(CASES), ids=NAMES)
def case(request):
    pw.set_random_seed(4)
    pw.backend.clear_session(free_memory=False)
    return Case(*request.param)


def assert_alike_under_every_pin(case):
    """A layer that does not depend on the phase predicts the same bits whatever is pinned."""
    for pinned in ("inference", "training"):
        with pw.learning_phase_scope(pinned):
            np.testing.assert_array_equal(case.predict(batch_size=ROWS), case.predict())
    assert len(case.model.explain(print_fn=False)) == 0


def test_inference_is_deterministic_and_changes_nothing(case):
    np.testing.assert_array_equal(case.predict(), case.predict())
    np.testing.assert_array_equal(np.asarray(case.model(case.x)), np.asarray(case.model(case.x)))
    for a, b in zip(case.weights, case.model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_row_has_the_same_bits_alone_in_any_batch_and_place(case):
    whole = case.predict()
    for size in (1, 5, ROWS):
        np.testing.assert_array_equal(case.predict(batch_size=size), whole)
    order = RNG.permutation(ROWS)
    np.testing.assert_array_equal(case.predict(case.rows(order)), whole[order])
    np.testing.assert_array_equal(case.predict(case.rows([7])), whole[7:8])


def test_training_changes_only_the_state_that_is_declared(case):
    case.model(case.x, training=True)
    changed = [not np.array_equal(a, b) for a, b in zip(case.weights, case.model.get_weights())]
    trainable = {id(v) for v in case.layer.trainable_variables}
    wrote = [v for v, is_new in zip(case.model.weights, changed) if is_new]
    case.restore()
    assert bool(wrote) == bool(case.layer.updates_state)
    assert not any(id(v) in trainable for v in wrote)


def row_of(case):
    """What `explain` says of the layer, or of the first layer that it runs; None where nothing is said."""
    names = {"it", *(layer.name for layer in case.layer.sublayers()[:1])}
    return next((row for row in case.model.explain(print_fn=False) if row.layer in names), None)


def test_explain_tells_of_just_the_layers_that_differ(case):
    assert (row_of(case) is not None) == case.depends


def test_a_layer_that_asks_for_the_phase_is_here_where_it_differs(case):
    says_it_does_not = type(case.layer).acts_by_phase is False  # the tests around hold it to that
    assert case.depends or says_it_does_not or not call_signature(type(case.layer)).training


def test_explain_says_what_predict_is_seen_to_do(case):
    """Under every pin, what `explain` says of predict and evaluate is what their outputs show."""
    if not case.depends:
        return assert_alike_under_every_pin(case)
    inference, training = case.predict(), case.train()
    for pinned in (None, "inference", "training"):
        with pw.learning_phase_scope(pinned):
            said = row_of(case).predict
            seen = case.predict(batch_size=ROWS)
        if not np.allclose(training, inference, rtol=1e-6):  # else only the state tells the phases apart
            assert (said.phase == "inference") == np.array_equal(seen, inference)
        assert said.rule == (5 if pinned is None else 4)
        if said.phase == "training" and said.statistics == "batch":
            np.testing.assert_allclose(seen, training, rtol=1e-5, atol=1e-5)
    case.restore()


def observed_phase(case, call):
    """The phase in which `call(x)` is seen to run the layer: its outputs or its writes tell."""
    case.restore()
    outputs = np.asarray(call(case.x))
    wrote = any(not np.array_equal(a, b) for a, b in zip(case.weights, case.model.get_weights()))
    case.restore()
    return "training" if wrote or not np.array_equal(outputs, case.inference) else "inference"


def test_the_phase_follows_the_six_rules(case):
    model, layer = case.model, case.layer
    if not case.depends:
        np.testing.assert_array_equal(np.asarray(model(case.x, training=True)), case.inference)
        return
    assert observed_phase(case, model) == "inference"  # rule 6
    with phase.task("fit"):
        assert observed_phase(case, model) == "training"  # rule 5
    with pw.learning_phase_scope("training"):
        assert observed_phase(case, model) == "training"  # rule 4
        assert observed_phase(case, lambda x: model(x, training=False)) == "inference"  # rule 3
        pinned = pw.Model(model.input, first_output(layer, model.input, training=False))
        assert observed_phase(case, lambda x: pinned(x, training=True)) == "inference"  # rule 2
    pinned = pw.Model(model.input, first_output(layer, model.input, training=True))
    assert observed_phase(case, lambda x: pinned(x, training=False)) == "training"  # rule 2
    layer.trainable = False
    try:
        expected = "inference" if layer.freezing_means_inference else "training"
        assert observed_phase(case, pinned) == expected  # rule 1
    finally:
        layer.trainable = True


def test_fit_trains_through_every_layer_and_leaves_finite_weights(case):
    x = case.x
    inputs = inputs_like(x)
    model = pw.Model(inputs, pw.layers.Dense(1)(pw.layers.Flatten()(first_output(case.layer, inputs))))
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((ROWS, 1)), batch_size=6, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    case.restore()


def test_every_registered_layer_is_here():
    registered = {cls.__name__ for cls in registry.members("layer")}
    assert registered == {*NAMES, *LEFT_OUT}

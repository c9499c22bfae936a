"""Models that define train_step, test_step, predict_step, compute_loss or compute_metrics anew."""

import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype("float32")
Y = (X.sum(1) > 0).astype("float32")[:, None]
W = RNG.uniform(0.2, 2, size=50).astype("float32")


class Plain(pw.Model):
    """A step that does what the default does."""

    def train_step(self, data):
        x, y, sample_weight = pw.utils.unpack_x_y_sample_weight(data)

        def loss_of():
            y_pred = self(x, training=True)
            return self.compute_loss(x, y, y_pred, sample_weight), y_pred

        (_, y_pred), gradients = self.value_and_grad(loss_of, has_aux=True)()
        self.optimizer.apply(gradients, self.trainable_variables)
        return self.compute_metrics(x, y, y_pred, sample_weight)


def network(cls=pw.Model, **options):
    pw.set_random_seed(1)
    x = inputs = pw.Input((4,))
    x = pw.layers.Dense(6, activation="relu", kernel_regularizer="l2")(x)
    x = pw.layers.Dropout(0.3)(pw.layers.BatchNormalization(momentum=0.5)(x))
    model = cls(inputs, pw.layers.Dense(1, activation="sigmoid")(x))
    options = {"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"], **options}
    model.compile(**options)
    return model


def linear(cls, rate=0.1, loss="mse", **options):
    """y = w x, w = 2 at first."""
    inputs = pw.Input((1,))
    model = cls(
        inputs, pw.layers.Dense(1, use_bias=False, kernel_initializer=lambda shape, dtype: 2 * np.ones(shape))(inputs)
    )
    model.compile(pw.optimizers.SGD(rate), loss, **options)
    return model


def weight(model):
    return float(model.get_weights()[0].ravel()[0])


def fitted(model, **options):
    return model.fit(X, Y, batch_size=16, epochs=3, verbose=0, **options).history


def test_a_step_that_does_what_the_default_does_gives_the_same():
    default = network()
    expected = fitted(default, sample_weight=W, validation_split=0.2)
    own = network(Plain)
    found = fitted(own, sample_weight=W, validation_split=0.2)
    assert list(found) == list(expected)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6)
    for a, b in zip(default.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_its_steps_are_fused_and_compiled_once():
    chunks, traces = [], []

    class Counted(Plain):
        def train_step(self, data):
            traces.append(1)
            return super().train_step(data)

    model = network(Counted)
    seen = pw.callbacks.LambdaCallback()
    seen.on_chunk_end = lambda step, logs=None: chunks.append(step)
    model.fit(X, Y, batch_size=2, epochs=8, verbose=0, callbacks=[seen])
    assert len(chunks) < 8 * 25 / 2
    first = len(traces)
    model.fit(X, Y, batch_size=2, epochs=8, verbose=0)
    assert len(traces) == first


def test_a_penalty_on_the_slope_along_the_input_has_its_gradient():
    class Smooth(pw.Model):
        def train_step(self, data):
            x, y = data

            def loss_of():
                slopes = pw.grad(lambda x: self(x, training=True).sum())(x)
                return self.compute_loss(x, y, self(x, training=True)) + 3 * jnp.mean(slopes**2)

            loss, gradients = self.value_and_grad(loss_of)()
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    model = linear(Smooth)
    x = np.array([[1.0], [2.0]], "float32")
    history = model.fit(x, x, batch_size=2, verbose=0).history
    # mean (w x - x)² + 3 w² at w = 2 is 2.5 + 12; its slope 2 · 2.5 (w - 1) + 6 w = 17
    assert history["loss"] == [pytest.approx(14.5)]
    assert weight(model) == pytest.approx(2 - 0.1 * 17)


class Twins(pw.Model):
    """Two models and two optimizers, the second trained through the first."""

    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second
        self.loss_of_second = pw.metrics.Mean(name="second")

    def compile(self, first_optimizer, second_optimizer):
        super().compile()
        self.first_optimizer, self.second_optimizer = first_optimizer, second_optimizer

    def train_step(self, x):
        own = self.first.trainable_variables
        loss, gradients = pw.value_and_grad(lambda: jnp.mean(self.first(x, training=True) ** 2), own)()
        self.first_optimizer.apply(gradients, own)
        other = self.second.trainable_variables
        both, gradients = pw.value_and_grad(lambda: jnp.mean(self.first(self.second(x, training=True))), other)()
        self.second_optimizer.apply(gradients, other)
        self.loss_of_second.update_state(both)
        return {"first": loss, "second": self.loss_of_second.result()}


def twins(first=None, second=None):
    def one():
        inputs = pw.Input((1,))
        return pw.Model(inputs, pw.layers.Dense(1, use_bias=False, kernel_initializer="ones")(inputs))

    model = Twins(one(), one())
    model.compile(first or pw.optimizers.SGD(0.1), second or pw.optimizers.SGD(0.5))
    return model


def test_two_models_are_trained_by_two_optimizers():
    model = twins()
    x = np.array([[1.0], [3.0]], "float32")
    history = model.fit(x, batch_size=2, epochs=2, verbose=0).history
    a = b = 1.0
    expected = {"first": [], "second": []}
    for _ in range(2):
        expected["first"].append(5 * a * a)
        a -= 0.1 * 2 * 5 * a  # of mean (a x)², the mean of x² is 5
        expected["second"].append(2 * a * b)
        b -= 0.5 * 2 * a  # of mean a b x, with the new a
    assert history["first"] == pytest.approx(expected["first"], abs=1e-6)
    assert history["second"] == pytest.approx(expected["second"], abs=1e-6)
    assert (weight(model.first), weight(model.second)) == (pytest.approx(a, abs=1e-6), pytest.approx(b, abs=1e-6))
    assert int(model.first_optimizer.iterations) == int(model.second_optimizer.iterations) == 2
    assert model.optimizer.state is None
    assert set(model.train_on_batch(x, return_dict=True)) == {"first", "second"}


def test_a_teacher_in_inference_keeps_its_statistics_to_the_bit():
    teacher = network()
    fitted(teacher)
    before = [w.copy() for w in teacher.get_weights()]

    class Student(pw.Model):
        def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
            own = super().compute_loss(x, y, y_pred, sample_weight, training)
            return own + jnp.mean((y_pred - self.teacher(x, training=False)) ** 2)

    student = network(Student)
    student.teacher = teacher
    teacher.trainable = False
    expected = np.mean((student.predict(X, verbose=0) - teacher.predict(X, verbose=0)) ** 2)
    plain = network().evaluate(X, Y, verbose=0)[0]
    assert student.evaluate(X, Y, verbose=0)[0] == pytest.approx(plain + expected, rel=1e-5)
    fitted(student)
    for a, b in zip(before, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    rows = {row.layer: row for row in student.explain(print_fn=False)}
    assert [row.fit.phase for name, row in rows.items() if "dropout" in name] == ["training", "inference"]


def test_a_metric_that_the_step_updates_is_that_of_the_epoch():
    class Measured(Plain):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.largest, self.mean = pw.metrics.Sum(name="total"), pw.metrics.Mean(name="mean_of_rows")

        def train_step(self, data):
            logs = super().train_step(data)
            self.largest.update_state(data[0][:, 0])
            self.mean.update_state(data[0][:, 1])
            return {
                **logs,
                "total": self.largest.result(),
                "mean_of_rows": self.mean.result(),
                "rows": data[0].shape[0],
            }

    history = fitted(network(Measured))
    np.testing.assert_allclose(history["total"], [X[:, 0].sum()] * 3, rtol=1e-4)
    np.testing.assert_allclose(history["mean_of_rows"], [X[:, 1].mean()] * 3, rtol=1e-4)
    assert history["rows"] == [2, 2, 2]  # the last batch is short, and comes as it is


@pytest.mark.extensive
def test_the_metrics_of_compile_can_be_updated_one_by_one():
    class ByHand(pw.Model):
        def train_step(self, data):
            x, y = data

            def loss_of():
                y_pred = self(x, training=True)
                return jnp.mean((y_pred - y) ** 2), y_pred

            (loss, y_pred), gradients = self.value_and_grad(loss_of, has_aux=True)()
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred)
            return {metric.name: metric.result() for metric in self.metrics}

    x = np.array([[1.0], [3.0], [5.0]], "float32")
    history = (
        linear(ByHand, rate=0.0, loss=None, metrics=["mae"]).fit(x, x, batch_size=2, verbose=0, shuffle=False).history
    )
    # as in Keras: the mean of the batches' losses, 5 and 25, is that of the batches; that of a metric, of the rows
    assert history == {"loss": [pytest.approx(15.0)], "mae": [pytest.approx(3.0)]}


class OneByOne(pw.Model):
    """Updates what is in `metrics` one after another, all with the weights of the rows."""

    def train_step(self, data):
        x, y, weight = data

        def loss_of():
            y_pred = self(x)
            return self.compute_loss(x, y, y_pred, weight), y_pred

        (loss, y_pred), gradients = self.value_and_grad(loss_of, has_aux=True)()
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, len(x))
            else:
                metric.update_state(y, y_pred, sample_weight=weight)
        return {metric.name: metric.result() for metric in self.metrics}


@pytest.mark.parametrize("policy", ["raise", "skip"])
def test_one_by_one_only_the_weighted_metrics_are_weighted_and_equal_names_are_told_apart(policy):
    def history(cls):
        model = linear(cls, metrics=["mae"], weighted_metrics=["mae"])
        return model.fit(X[:, :1], Y, 8, sample_weight=W, shuffle=False, verbose=0, on_nonfinite=policy).history

    found = history(OneByOne)
    assert found == {name: pytest.approx(values) for name, values in history(pw.Model).items()}
    assert found["mae"] != pytest.approx(found["weighted_mae"])


def test_another_optimizer_and_another_number_hold_from_the_next_fit_on():
    class Weighed(Plain):
        share = 1.0

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return self.share * super().compute_loss(x, y, y_pred, sample_weight, training)

    x = np.array([[1.0], [1.0]], "float32")
    model = linear(Weighed)
    fit = {"x": x, "y": 0 * x, "batch_size": 2, "verbose": 0}
    model.fit(**fit)
    assert weight(model) == pytest.approx(2 - 0.1 * 4)
    model.share = 0.5
    model.fit(**fit)
    assert weight(model) == pytest.approx(1.6 - 0.1 * 1.6)
    model.optimizer = pw.optimizers.SGD(0.5)
    model.fit(**fit)
    assert weight(model) == pytest.approx(1.44 - 0.5 * 1.44)
    model.layers[1].trainable = False
    with pytest.warns(pw.warning.NothingTrainsWarning):
        model.fit(**fit)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: pw.optimizers.MultiOptimizer(
            pw.optimizers.OptimizerMap(pw.optimizers.Adam(0.01), {".*kernel": pw.optimizers.SGD(0.1, momentum=0.9)})
        ),
        lambda: pw.optimizers.SGD(0.1, momentum=0.5, gradient_accumulation_steps=2, use_ema=True, global_clipnorm=1.0),
        lambda: pw.optimizers.LossScaleOptimizer(pw.optimizers.Adam(0.01)),
        lambda: pw.optimizers.Muon(0.01),
    ],
)
@pytest.mark.extensive
def test_every_kind_of_optimizer_is_applied_in_a_step_as_without_one(optimizer):
    models = []
    for cls in (pw.Model, Plain):
        models.append(network(cls, optimizer=optimizer()))
        fitted(models[-1], sample_weight=W)
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_evaluate_and_predict_go_by_test_step_and_predict_step():
    class Other(pw.Model):
        def test_step(self, data):
            x, _ = data
            return {"twice": 2 * jnp.mean(self(x)), "rows": x.shape[0]}

        def predict_step(self, data):
            return {"out": self(data) + 1, "in": data}

    model = linear(Other)
    x = np.arange(5, dtype="float32")[:, None]
    assert model.evaluate(x, x, batch_size=5, verbose=0, return_dict=True) == {"twice": pytest.approx(8.0), "rows": 5}
    history = model.fit(x, x, validation_data=(x, x), epochs=1, verbose=0).history
    assert set(history) == {"loss", "val_twice", "val_rows"}
    w = weight(model)
    found = model.predict(x, batch_size=2, verbose=0)
    np.testing.assert_allclose(found["out"], w * x + 1, rtol=1e-6)
    np.testing.assert_array_equal(found["in"], x)
    np.testing.assert_allclose(model.predict_on_batch(x[:3])["out"], w * x[:3] + 1, rtol=1e-6)
    assert model.test_on_batch(x, x, return_dict=True)["rows"] == 5


def test_a_loss_and_metrics_of_ones_own_hold_in_fit_and_evaluate():
    class Own(pw.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return jnp.mean(jnp.abs(y - y_pred))

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            logs = super().compute_metrics(x, y, y_pred, sample_weight)
            return {**logs, "double": 2 * logs["mae"]}

    model = linear(Own, rate=0.0, metrics=["mae"])
    x = np.array([[1.0], [2.0], [6.0]], "float32")
    expected = {"loss": pytest.approx(3.0), "mae": pytest.approx(3.0), "double": pytest.approx(6.0)}
    assert model.evaluate(x, x, batch_size=2, verbose=0, return_dict=True) == expected
    history = model.fit(x, x, batch_size=2, verbose=0, shuffle=False).history
    assert {name: values[0] for name, values in history.items()} == expected


def test_random_numbers_differ_from_step_to_step_and_repeat_with_the_seed():
    class Noisy(pw.Model):
        def train_step(self, x):
            noise = pw.random.normal((), seed=self.noise)
            self.drawn.assign(jnp.roll(self.drawn.value, 1).at[0].set(noise))
            _, gradients = self.value_and_grad(lambda: jnp.mean(self(x)) * 0)()
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"noise": noise}

    def drawn():
        pw.set_random_seed(5)
        model = linear(Noisy)
        model.noise, model.drawn = pw.random.SeedGenerator(7), pw.Variable(np.zeros(6), trainable=False)
        model.fit(X[:12, :1], batch_size=2, verbose=0)
        return model.drawn.numpy()

    first = drawn()
    assert len(set(first.tolist())) == 6
    np.testing.assert_array_equal(drawn(), first)


def test_rate_and_count_of_the_optimizer_are_those_of_the_step():
    class Told(Plain):
        def train_step(self, data):
            before = self.optimizer.iterations + 0
            logs = super().train_step(data)
            return {
                **logs,
                "rate": self.optimizer.learning_rate * 1,
                "before": before,
                "after": self.optimizer.iterations * 1,
            }

    model = network(Told)
    halved = pw.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = fitted(model, callbacks=[halved])
    np.testing.assert_allclose(history["rate"], [0.0005, 0.00025, 0.000125], rtol=1e-6)
    assert history["before"] == [3, 7, 11]
    assert history["after"] == [4, 8, 12]


@pytest.mark.extensive
def test_averages_replace_the_weights_of_every_optimizer_when_fit_ends():
    model = twins(pw.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    x = np.array([[1.0], [3.0]], "float32")
    model.fit(x, batch_size=2, epochs=2, verbose=0)
    # 1 -> 0 -> 0: the first update copies the weight, which is 0 then
    assert weight(model.first) == pytest.approx(0, abs=1e-6)
    assert float(model.first_optimizer.state["ema"][0].ravel()[0]) == pytest.approx(0, abs=1e-6)


def test_gradients_of_a_scaled_loss_are_divided_by_the_scale():
    scaled, plain = linear(Plain), linear(Plain)
    scaled.compile(pw.optimizers.LossScaleOptimizer(pw.optimizers.SGD(0.1)), "mse")
    for model in (scaled, plain):
        model.fit(X[:, :1], Y, batch_size=16, epochs=2, verbose=0, shuffle=False)
    assert weight(scaled) == pytest.approx(weight(plain), rel=1e-6)
    assert weight(plain) != pytest.approx(2, abs=0.05)

    class Forgets(pw.Model):
        def train_step(self, data):
            loss, gradients = pw.value_and_grad(lambda: jnp.mean(self(data[0])), self.trainable_variables)()
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    model = linear(Forgets)
    model.compile(pw.optimizers.LossScaleOptimizer(pw.optimizers.SGD(0.1)), "mse")
    with pytest.raises(ValueError, match="divides gradients by its loss scale, and no loss was scaled for it"):
        model.fit(X[:, :1], Y, verbose=0)


def test_nan_is_located_and_the_model_keeps_the_state_before_it():
    class Log(pw.Layer):
        def call(self, x):
            return jnp.log(x)

    pw.set_random_seed(1)
    inputs = pw.Input((1,))
    outputs = pw.layers.Dense(1)(Log(name="log")(inputs))
    model = Plain(inputs, outputs)
    model.compile("sgd", "mse")
    x = np.ones((8, 1), "float32")
    x[5] = -1
    with pytest.raises(
        pw.NonFiniteError, match=r"epoch 0, step 2.*the output of layer 'log' \(Log\) is not finite in row 1"
    ):
        model.fit(x, x, batch_size=2, verbose=0, shuffle=False)
    assert np.isfinite(model.get_weights()[0]).all()
    assert int(model.optimizer.iterations) == 2
    skipped = model.fit(x, x, batch_size=2, verbose=0, shuffle=False, on_nonfinite="skip").history
    assert skipped["skipped"] == [1]


class Wrong(pw.Model):
    """Each way to get it wrong."""

    def state_form(self, state, data):
        return {}, state

    def tape(self, data):
        with tf.GradientTape() as tape:  # noqa: F821
            loss = 0
        tape.gradient(loss, [])

    def nothing(self, data):
        x, y = data
        _, gradients = self.value_and_grad(lambda: self.compute_loss(x, y, self(x)))()
        self.optimizer.apply(gradients, self.trainable_variables)

    def number(self, data):
        self.nothing(data)
        return 0.5

    def rows(self, data):
        self.nothing(data)
        return {"all": self(data[0])}

    def text(self, data):
        self.nothing(data)
        return {"all": "good"}

    def forgets(self, data):
        x, y = data
        loss, _ = self.value_and_grad(lambda: self.compute_loss(x, y, self(x)))()
        return {"loss": loss}

    def values(self, data):
        self.nothing(data)
        return {"loss": float(jnp.mean(data[0]))}

    def three(self, x, y, sample_weight):
        return {}


@pytest.mark.parametrize(
    "step, error, message",
    [
        ("state_form", TypeError, r"is in the form of Keras on JAX.*train_step\(self, data\).*phasewise.pure"),
        ("tape", TypeError, r"GradientTape, which records what another framework does.*self.value_and_grad\(loss_of\)"),
        ("nothing", TypeError, r"Own.train_step must return a dict of what is logged.*it returned nothing"),
        ("number", TypeError, "must return a dict of what is logged.*an object of type float"),
        ("rows", ValueError, r"single numbers; under 'all' it returned an array of shape \(\d+, 1\). Take its mean"),
        ("text", TypeError, "dict of numbers; under 'all' it returned an object of type str"),
        ("forgets", ValueError, r"Own.train_step changes no weight.*self.optimizer.apply\(gradients"),
        (
            "three",
            TypeError,
            r"must take the batch alone, train_step\(self, data\); it takes \(self, x, y, sample_weight\)",
        ),
    ],
)
def test_what_is_wrong_with_a_step_is_told(step, error, message):
    own = type("Own", (Wrong,), {"train_step": getattr(Wrong, step)})
    model = linear(own)
    with pytest.raises(error, match=f"(?s){message}"):
        model.fit(X[:, :1], Y, verbose=0)


class Keeping(pw.Model):
    """Steps that mean to remember something from one to the next."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.count, self.seen, self.rows = 0, [], None
        self.variable = pw.Variable(0, trainable=False)

    def counts(self, data):
        self.count += 1
        return pw.Model.train_step(self, data)

    def collects(self, data):
        logs = pw.Model.train_step(self, data)
        self.seen.append(logs["loss"])
        return logs

    def notes_what_is_always_so(self, data):
        self.rows = data[0].shape[0]
        self.variable.assign_add(1)
        return {**pw.Model.train_step(self, data), "variable": self.variable.value}


@pytest.mark.parametrize(
    "step, message",
    [
        (
            "counts",
            r"Own.train_step changes self.count, a plain Python int.*self.count = phasewise.Variable\(0, trainable",
        ),
        ("collects", "Own.train_step changes self.seen, a plain Python list.*collect it in a callback"),
    ],
)
def test_a_count_or_list_in_python_that_would_stand_still_is_told(step, message):
    model = linear(type("Own", (Keeping,), {"train_step": getattr(Keeping, step)}))
    with pytest.raises(ValueError, match=message):
        model.fit(X[:, :1], Y, verbose=0)


def test_a_count_in_a_variable_goes_on_and_a_fact_may_be_kept():
    model = linear(type("Own", (Keeping,), {"train_step": Keeping.notes_what_is_always_so}))
    history = model.fit(X[:, :1], Y, batch_size=25, epochs=2, verbose=0).history
    assert history["variable"] == [2, 4] and model.rows == 25


def test_values_asked_for_in_a_step_are_told_where_there_are_none():
    model = linear(type("Own", (Wrong,), {"train_step": Wrong.values}))
    with pytest.raises(Exception) as caught:
        model.fit(X[:, :1], Y, verbose=0)
    assert "Own.train_step is traced: its arrays have no values yet" in "".join(caught.value.__notes__)


def test_a_loss_that_is_no_number_is_told():
    class Rows(pw.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return (y - y_pred) ** 2

    with pytest.raises(
        ValueError, match=r"Rows.compute_loss must return one number for a batch; it returned an array of shape \("
    ):
        linear(Rows).fit(X[:, :1], Y, verbose=0)


def test_one_optimizer_for_two_lists_of_variables_in_a_step_is_told():
    both = pw.optimizers.SGD(0.1)
    with pytest.raises(ValueError, match="is applied to 1 variables and then to 1 others in one step"):
        twins(both, both).fit(X[:, :1], verbose=0)


@pytest.mark.extensive
def test_value_and_grad_serves_a_loop_of_ones_own_without_compile():
    model = network()
    x, y = X[:8], Y[:8]
    before = model.layers[2].moving_mean.numpy().copy()

    def loss_of():
        prediction = model(x, training=True)
        return jnp.mean((prediction - y) ** 2), prediction

    (loss, prediction), gradients = pw.value_and_grad(loss_of, model.trainable_variables, has_aux=True)()
    assert float(loss) == pytest.approx(np.mean((np.asarray(prediction) - y) ** 2), rel=1e-5)
    assert [g.shape for g in gradients] == [v.shape for v in model.trainable_variables]
    assert not np.array_equal(model.layers[2].moving_mean.numpy(), before)

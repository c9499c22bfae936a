"""What is set on an optimizer after `compile` and after the first step."""

import numpy as np
import optax
import pytest

import phasewise as pw
from phasewise import optimizers
from phasewise.core.variable import Variable
from phasewise.core.warning import NoEffectWarning
from phasewise.optimizers import SGD, Adam, RMSprop

X, Y = np.float32([[1.0]]), np.float32([[2.0]])  # the gradient of (w - 2)² is 2 (w - 2)


def trained(optimizer, w=0.0):
    """A model that is one weight, after one step from `w`."""
    model = pw.Sequential([pw.Input((1,)), pw.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer, "mse")
    model.train_on_batch(X, Y)
    put(model, w)
    return model


def put(model, w):
    model.set_weights([np.float32([[w]])])


def after_a_step(model, w=0.0):
    put(model, w)
    model.train_on_batch(X, Y)
    return float(model.get_weights()[0][0, 0])


def test_the_learning_rate_is_a_variable_that_can_be_assigned():
    model = trained(SGD(0.1))
    rate = model.optimizer.learning_rate
    rate.assign(0.25)
    assert after_a_step(model) == 1.0
    assert rate == model.optimizer.learning_rate == 0.25
    assert rate.value == rate.numpy() == 0.25
    model.optimizer.learning_rate.assign(2 * rate)
    assert float(rate) == 0.5
    assert f"{rate:.2f}" == "0.50"


def test_a_learning_rate_that_is_set_compiles_nothing():
    model = trained(SGD(0.1))
    programs = len(model.programs)
    model.optimizer.learning_rate.assign(0.5)
    model.optimizer.learning_rate = 0.25
    after_a_step(model)
    assert len(model.programs) == programs


def test_a_rate_that_is_none_is_refused_by_assign_too():
    with pytest.raises(ValueError, match="A learning rate is a number of at least 0"):
        SGD(0.1).learning_rate.assign(-1.0)


def test_iterations_can_be_set_before_and_after_the_first_step():
    schedule = optimizers.schedules.PiecewiseConstantDecay([5], [0.0, 0.25])
    optimizer = SGD(schedule)
    optimizer.iterations = 6
    model = trained(optimizer)
    assert optimizer.iterations == 7
    assert after_a_step(model) == 1.0
    optimizer.iterations.assign(0)
    assert after_a_step(model) == 0.0
    assert int(optimizer.iterations) == 1
    with pytest.raises(ValueError, match=r"iterations are an integer of at least 0; got 1.5"):
        optimizer.iterations = 1.5


def test_a_schedule_can_be_assigned():
    model = trained(SGD(0.1))
    model.optimizer.learning_rate = optimizers.schedules.PiecewiseConstantDecay([1], [0.5, 0.25])
    assert model.optimizer.learning_rate == 0.5
    assert after_a_step(model) == 2.0
    assert after_a_step(model) == 1.0
    model.optimizer.learning_rate = lambda step: 0.125
    assert after_a_step(model) == 0.5


@pytest.mark.parametrize("bound", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_a_bound_on_gradients_holds_from_the_next_step_on(bound):
    model = trained(SGD(0.25))
    assert after_a_step(model) == 1.0
    setattr(model.optimizer, bound, 1.0)
    assert after_a_step(model) == 0.25
    assert getattr(model.optimizer, bound) == model.optimizer.get_config()[bound] == 1.0
    setattr(model.optimizer, bound, None)
    assert after_a_step(model) == 1.0


def test_a_second_bound_and_one_that_is_none_are_refused():
    optimizer = SGD(clipnorm=1.0)
    with pytest.raises(ValueError, match="Only one of clipnorm, clipvalue and global_clipnorm"):
        optimizer.clipvalue = 1.0
    with pytest.raises(ValueError, match="clipnorm must be a positive number; got 0"):
        optimizer.clipnorm = 0


def test_weight_decay_holds_from_the_next_step_on():
    model = trained(SGD(0.25))
    model.optimizer.weight_decay = 0.5
    assert after_a_step(model, 2.0) == 2.0 - 0.25 * 0.5 * 2.0


def test_momentum_begins_at_zero_when_it_is_set_and_is_forgotten_with_it():
    model = trained(SGD(0.25))
    model.optimizer.momentum = 0.5
    assert after_a_step(model) == 1.0
    assert after_a_step(model) == 0.5 * 1.0 + 1.0
    model.optimizer.momentum = 0.0
    assert after_a_step(model) == 1.0
    model.optimizer.momentum = 0.5
    assert after_a_step(model) == 1.0


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (Adam, "beta_1", 0.5),
        (Adam, "beta_2", 0.5),
        (Adam, "epsilon", 0.5),
        (Adam, "amsgrad", True),
        (RMSprop, "rho", 0.5),
        (RMSprop, "centered", True),
        (RMSprop, "momentum", 0.5),
        (SGD, "nesterov", True),
        (SGD, "loss_scale_factor", 4.0),
    ],
)
def test_a_setting_made_after_the_first_step_is_that_of_an_optimizer_made_with_it(make, name, value):
    early, late = make(0.25, **({"momentum": 0.5} if make is SGD else {}), **{name: value}), make(0.25)
    if make is SGD:
        late.momentum = 0.5
    v, w = Variable(np.float32([1.0])), Variable(np.float32([1.0]))
    late.apply([np.float32([0.0])], [w])  # a step by which nothing moves
    early.apply([np.float32([0.0])], [v])
    setattr(late, name, value)
    for gradient in (1.0, -0.5, 2.0):
        early.apply([np.float32([gradient])], [v])
        late.apply([np.float32([gradient])], [w])
    np.testing.assert_array_equal(v, w)
    assert late.get_config()[name] == value


def test_a_setting_outside_of_its_range_is_refused_as_in_the_constructor():
    optimizer = Adam()
    for name, value, range_ in (
        ("beta_1", 1.0, r"in \[0, 1\)"),
        ("epsilon", -1, "at least 0"),
        ("weight_decay", "no", "at"),
    ):
        with pytest.raises(ValueError, match=f"{name} must be {range_}"):
            setattr(optimizer, name, value)
    with pytest.raises(ValueError, match="Adam's amsgrad is True or False; got 'no'"):
        optimizer.amsgrad = "no"
    with pytest.raises(ValueError, match="SGD's nesterov is True or False; got 'no'"):
        SGD(nesterov="no")


@pytest.mark.parametrize(
    ("name", "near"),
    [("lr", "learning_rate"), ("clip_norm", "clipnorm"), ("beta1", "beta_1"), ("decay", "weight_decay")],
)
def test_a_setting_that_no_step_reads_is_refused_with_the_nearest_that_one_does(name, near):
    with pytest.raises(AttributeError, match=f"Adam has no setting '{name}'. Did you mean '{near}'"):
        setattr(Adam(), name, 0.5)


class Signed(optimizers.Optimizer):
    def __init__(self, learning_rate=1.0, size=1.0):
        super().__init__(learning_rate)
        self.size = size

    def step(self, grad, param, slots, rate, iteration):
        return param - rate * self.size * np.sign(1.0) * grad / abs(grad), {}


def test_what_a_rule_of_ones_own_reads_can_be_set_too():
    model = trained(Signed())
    assert after_a_step(model) == 1.0
    model.optimizer.size = 0.5
    assert after_a_step(model) == 0.5
    with pytest.raises(AttributeError, match=r"Signed has no setting 'lr'. Did you mean 'learning_rate'"):
        model.optimizer.lr = 0.5


@pytest.mark.parametrize(("name", "value"), [("use_ema", True), ("gradient_accumulation_steps", 2)])
def test_what_the_state_is_made_for_cannot_be_set_once_training_has_begun(name, value):
    optimizer = SGD()
    setattr(optimizer, name, value)
    assert optimizer.get_config()[name] == value
    with pytest.raises(
        AttributeError, match=f"{name} of SGD cannot be set once training has begun.*Make a new optimizer"
    ):
        setattr(trained(SGD()).optimizer, name, value)


def test_on_an_optax_transformation_nothing_can_be_set_that_it_would_not_read():
    optimizer = optimizers.get(optax.sgd(0.1))
    with pytest.raises(AttributeError, match=r"'clipnorm' would have no effect.*optax.chain"):
        optimizer.clipnorm = 1.0
    with pytest.raises(TypeError, match="keeps a count of its own"):
        optimizer.iterations = 3
    injected = trained(optimizers.get(optax.inject_hyperparams(optax.sgd)(0.1)))
    injected.optimizer.learning_rate.assign(0.25)
    assert after_a_step(injected) == 1.0


def test_another_optimizer_put_in_the_place_of_the_first_is_the_one_that_steps():
    model = trained(SGD(0.25))
    model.optimizer = SGD(0.5)
    assert after_a_step(model) == 2.0


def test_an_exclusion_that_matches_nothing_is_told():
    optimizer = SGD(weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["biass"])
    v = Variable(np.float32([1.0]), name="bias")
    with pytest.warns(NoEffectWarning, match=r"'biass', which is found in no name.*Did you mean 'bias'"):
        optimizer.build([v])


def test_exclusions_that_are_no_expressions_are_refused_and_a_single_one_is_taken_whole():
    optimizer = SGD(weight_decay=0.1)
    with pytest.raises(ValueError, match=r"takes regular expressions; '\*bias' is none"):
        optimizer.exclude_from_weight_decay(var_names=["*bias"])
    optimizer.exclude_from_weight_decay(var_names="gamma")
    v = Variable(np.float32([1.0]), name="alpha")
    with pytest.warns(NoEffectWarning, match="'gamma'"):
        optimizer.apply([np.float32([0.0])], [v])
    assert float(v[0]) < 1

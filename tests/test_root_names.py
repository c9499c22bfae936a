"""Names at the root: they work, and are what stands in their rooms."""

import jax
import numpy as np
import pytest

import phasewise as pw


def test_a_base_class_is_that_of_its_room():
    assert (pw.Loss, pw.Metric, pw.Optimizer) == (pw.losses.Loss, pw.metrics.Metric, pw.optimizers.Optimizer)
    assert (pw.Initializer, pw.Regularizer) == (pw.initializers.Initializer, pw.regularizers.Regularizer)
    assert pw.FloatDTypePolicy is pw.dtype_policies.FloatDTypePolicy
    assert pw.version() == pw.__version__
    assert isinstance(pw.Input((3,)), pw.KerasTensor)
    assert pw.KerasTensor((None, 2), dtype="int32").shape == (None, 2)


def test_remat_computes_again_what_the_gradient_needs():
    again = pw.remat(lambda x: pw.ops.sin(pw.ops.sin(x)))
    assert "remat" in str(jax.make_jaxpr(jax.grad(again))(1.0))
    assert float(jax.grad(again)(1.0)) == pytest.approx(np.cos(np.sin(1.0)) * np.cos(1.0), rel=1e-6)
    inputs = pw.Input((3,))
    model = pw.Model(inputs, again(pw.layers.Dense(2, kernel_initializer="ones")(inputs)))
    np.testing.assert_allclose(
        model.predict(np.ones((4, 3)), verbose=0), np.full((4, 2), np.sin(np.sin(3.0))), rtol=1e-5
    )
    with pytest.raises(TypeError, match=r"remat takes a function of arrays; got 3\."):
        pw.remat(3)


@pytest.mark.parametrize("name", ["cpu", "CPU:0", "/cpu:0", "/device:CPU:0", jax.devices("cpu")[0]])
def test_arrays_are_made_on_the_device_that_is_named(name):
    with pw.device(name):
        assert pw.ops.ones(1).devices() == {jax.devices("cpu")[0]}


def test_a_device_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(ValueError, match=r"There is no device 'tpu:3'; there are .*cpu:0"):
        pw.device("tpu:3")


def test_a_name_scope_changes_no_path():
    with pw.name_scope("block"):
        layer = pw.layers.Dense(2, name="it")
        layer.build((None, 3))
    assert layer.kernel.path == "it/kernel"
    with pytest.raises(ValueError, match="A name is a string"), pw.name_scope(""):
        pass

"""Callback: hooks around epochs, chunks and batches; and the list that calls them."""

_BATCH_HOOKS = {kind: (f"on_{kind}_batch_begin", f"on_{kind}_batch_end") for kind in ("train", "test", "predict")}


class Callback:
    """Subclass it and override hooks. `self.model` is the model, `self.params` a dict of epochs, steps and verbose.

    Overriding a per-batch hook makes the loop stop after every batch; without one, many steps run in one dispatch, and
    `on_chunk_end` (ours, not in Keras) is called after each.
    """

    model = None
    params = None

    def set_model(self, model):
        """Called before anything else."""
        self.model = model

    def set_params(self, params):
        """Called before anything else."""
        self.params = params

    def on_train_begin(self, logs=None):
        """When `fit` begins."""

    def on_train_end(self, logs=None):
        """When `fit` ends; `logs` are the last epoch's."""

    def on_epoch_begin(self, epoch, logs=None):
        """Before epoch number `epoch` (from 0)."""

    def on_epoch_end(self, epoch, logs=None):
        """After an epoch; `logs` has the metrics, and the validation's with "val_" before their names."""

    def on_chunk_end(self, step, logs=None):
        """After a dispatch that ended with step number `step` of the epoch; `logs` are the epoch's so far."""

    def on_train_batch_begin(self, batch, logs=None):
        """Before a training step. Overriding it costs the fusion of steps."""

    def on_train_batch_end(self, batch, logs=None):
        """After a training step. Overriding it costs the fusion of steps."""

    def on_test_begin(self, logs=None):
        """Before `evaluate` or a validation."""

    def on_test_end(self, logs=None):
        """After `evaluate` or a validation."""

    def on_test_batch_begin(self, batch, logs=None):
        """Before a batch of `evaluate` or a validation."""

    def on_test_batch_end(self, batch, logs=None):
        """After a batch of `evaluate` or a validation."""

    def on_predict_begin(self, logs=None):
        """Before `predict`."""

    def on_predict_end(self, logs=None):
        """After `predict`."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch, logs=None):
        """After a batch of `predict`."""

    def wants_batches(self, kind):
        """Whether a per-batch hook of `kind` ("train", "test", "predict") is overridden."""
        return any(getattr(type(self), hook) is not getattr(Callback, hook) for hook in _BATCH_HOOKS[kind])


class CallbackList:
    """Calls every hook of every callback in turn.

    Args:
        callbacks: list of `Callback`, one of them, or None.
        model: given to each.
        params: keyword arguments, given to each as a dict.

    Raises:
        TypeError: something in the list is no callback.
    """

    def __init__(self, callbacks=None, model=None, **params):
        callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or [])
        for item in callbacks:
            if not isinstance(item, Callback):
                hint = " It is a class: make an object of it with ()." if isinstance(item, type) else ""
                raise TypeError(f"callbacks must be phasewise.callbacks.Callback objects; got {item!r}.{hint}")
        self.callbacks = callbacks
        for item in callbacks:
            item.set_model(model)
            item.set_params(params)

    @property
    def wants_train_batches(self):
        """Whether some callback looks at every training batch."""
        return any(item.wants_batches("train") for item in self.callbacks)

    @property
    def wants_test_batches(self):
        """Whether some callback looks at every batch of `evaluate`."""
        return any(item.wants_batches("test") for item in self.callbacks)

    @property
    def wants_predict_batches(self):
        """Whether some callback looks at every batch of `predict`."""
        return any(item.wants_batches("predict") for item in self.callbacks)

    def __getattr__(self, name):
        if not name.startswith("on_"):
            raise AttributeError(name)

        def call(*args):
            for item in self.callbacks:
                getattr(item, name)(*args)

        return call

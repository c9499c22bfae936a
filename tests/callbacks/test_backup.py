"""BackupAndRestore: a run that goes on ends, to the bit, where one that was never stopped does."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from resumed_run import model

import phasewise as pw

X = np.random.default_rng(0).normal(size=(70, 4)).astype("float32")
Y = (X.sum(1) > 0).astype("float32")
KILLS = int(os.environ.get("PHASEWISE_KILLS", "2"))


class StopAfter(pw.callbacks.Callback):
    """Ctrl-C after so many batches."""

    def __init__(self, batches):
        self.left = batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def arrays(made, **options):
    return made.fit(X, Y, batch_size=8, validation_split=0.2, **options)


def shuffled_plan(made, **options):
    """A plan whose own shuffle goes on over the epochs, streamed through a function."""
    data = pw.Dataset.from_tensor_slices((X, Y)).shuffle(20).map(lambda x, y: (x * 2, y)).repeat().batch(8)
    return made.fit(data, steps_per_epoch=7, **options)


def generator(made, **options):
    """A source of one pass."""
    batches = ((X[i % 60 : i % 60 + 8], Y[i % 60 : i % 60 + 8]) for i in range(1000))
    return made.fit(batches, steps_per_epoch=7, **options)


def assert_same(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


def undisturbed(fit, **options):
    pw.set_random_seed(3)
    made = model()
    return made, fit(made, epochs=3, verbose=0, **options)


def stopped_and_resumed(fit, folder, stop, **options):
    """Stopped after so many batches; resumed with a new model, in a process of another seed as it were."""
    callback = options.pop("backup", pw.callbacks.BackupAndRestore(folder, options.pop("save_freq", "epoch")))
    pw.set_random_seed(3)
    with pytest.raises(KeyboardInterrupt):
        fit(model(), epochs=3, verbose=0, callbacks=[callback, StopAfter(stop)], **options)
    pw.set_random_seed(99)
    made = model()
    return made, fit(made, epochs=3, verbose=0, callbacks=[callback], **options)


@pytest.mark.parametrize("fit", [arrays, shuffled_plan, generator])
@pytest.mark.parametrize("save_freq, stop", [("epoch", 9), (1, 3), (4, 18), (7, 8)])
@pytest.mark.few(1)
def test_resumed_equals_uninterrupted(fit, save_freq, stop, tmp_path):
    whole, history = undisturbed(fit)
    again, resumed = stopped_and_resumed(fit, tmp_path / "backup", stop, save_freq=save_freq)
    assert_same(whole, again)
    assert resumed.history == history.history
    assert resumed.epoch == history.epoch
    assert again.optimizer.iterations == whole.optimizer.iterations


def killed_at_random(folder, rng):
    """Start the script and kill it at a random moment of its training. Returns whether it was done before."""
    script = Path(__file__).with_name("resumed_run.py")
    frequency = (
        rng.choice(["epoch", "7"]) if not (folder / "frequency").exists() else (folder / "frequency").read_text()
    )
    (folder / "frequency").write_text(frequency)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(script), str(folder), frequency], stdout=subprocess.PIPE, text=True
    )
    epochs = rng.randint(1, 3)
    for _ in range(epochs):
        process.stdout.readline()
    time.sleep(rng.uniform(0, 0.02))
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return (folder / "done.npz").exists()


def test_killed_at_random_moments_it_ends_where_an_undisturbed_run_does(tmp_path):
    rng = random.Random(int(os.environ.get("PHASEWISE_KILL_SEED", "0")))
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir(), whole.mkdir()
    for _ in range(KILLS):
        assert not killed_at_random(killed, rng)
    script = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("resumed_run.py"))]
    subprocess.run([*script, str(killed), (killed / "frequency").read_text()], check=True, capture_output=True)
    subprocess.run([*script, str(whole), "epoch"], check=True, capture_output=True)
    with np.load(killed / "done.npz") as found, np.load(whole / "done.npz") as expected:
        assert sorted(found) == sorted(expected)
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    assert (killed / "log.csv").read_text() == (whole / "log.csv").read_text()


@pytest.mark.extensive
def test_callbacks_go_on_too(tmp_path):
    def options():
        return [
            pw.callbacks.EarlyStopping("loss", patience=1, min_delta=10.0, restore_best_weights=True),
            pw.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10.0),
        ]

    pw.set_random_seed(3)
    whole = model()
    history = arrays(whole, epochs=5, verbose=0, callbacks=options())
    backup = pw.callbacks.BackupAndRestore(tmp_path / "backup")
    pw.set_random_seed(3)
    with pytest.raises(KeyboardInterrupt):
        arrays(model(), epochs=5, verbose=0, callbacks=[backup, *options(), StopAfter(9)])
    again = model()
    resumed = arrays(again, epochs=5, verbose=0, callbacks=[backup, *options()])
    assert resumed.history == history.history
    assert_same(whole, again)


def same_when_resumed(make, options, folder, stop=9, again=None, save_freq="epoch"):
    """Stopped and resumed, with a new model or with the one that was stopped, it ends where an undisturbed run does."""
    pw.set_random_seed(3)
    whole = make()
    history = arrays(whole, epochs=4, verbose=0, callbacks=options(whole))
    pw.set_random_seed(3)
    stopped, backup = make(), pw.callbacks.BackupAndRestore(folder, save_freq)
    with pytest.raises(KeyboardInterrupt):
        arrays(stopped, epochs=4, verbose=0, callbacks=[backup, *options(stopped), StopAfter(stop)])
    pw.set_random_seed(99)
    made = stopped if again == "the same" else make()
    resumed = arrays(made, epochs=4, verbose=0, callbacks=[backup, *options(made)])
    assert resumed.history == history.history
    assert_same(whole, made)
    for one, other in zip(whole.optimizer.variables, made.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def compiled_with(optimizer, loss="binary_crossentropy"):
    made = model()
    made.compile(optimizer, loss)
    return made


def by_expression():
    kernels = pw.optimizers.SGD(0.1, momentum=0.9)
    rest = pw.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9)
    return pw.optimizers.MultiOptimizer(pw.optimizers.OptimizerMap(rest, {".*kernel": kernels}))


def by_function():
    kernels = pw.optimizers.SGD(0.1, momentum=0.9, use_ema=True)
    rest = pw.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9)
    return pw.optimizers.MultiOptimizer(lambda variable: kernels if "kernel" in variable.path else rest)


def scaled():
    return pw.optimizers.LossScaleOptimizer(by_expression())


@pytest.mark.parametrize("again", ["the same", "a new one"])
@pytest.mark.parametrize("optimizer", [by_function, by_expression, scaled])
@pytest.mark.parametrize("swap_on_epoch", [True, False])
@pytest.mark.few(1)
def test_averages_of_several_optimizers_are_swapped_and_resumed(optimizer, again, swap_on_epoch, tmp_path):
    same_when_resumed(
        lambda: compiled_with(optimizer()),
        lambda made: [pw.callbacks.SwapEMAWeights(swap_on_epoch)],
        tmp_path / "backup",
        stop=17,
        again=again,
    )


def test_what_callbacks_set_when_an_epoch_begins_holds_in_one_that_is_resumed(tmp_path):
    share = pw.Variable(1.0)

    def loss(y_true, y_pred):
        return share * abs(y_true - y_pred)

    def options(made):
        return [
            pw.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
            pw.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: share.assign(1 / (1 + epoch))),
        ]

    same_when_resumed(lambda: compiled_with(pw.optimizers.SGD(0.5), loss), options, tmp_path / "backup", stop=8)


@pytest.mark.parametrize("optimizer", [by_expression, by_function, lambda: pw.optimizers.Adam(0.01)])
@pytest.mark.extensive
def test_what_was_kept_for_frozen_weights_is_there_when_they_are_trained_again(optimizer, tmp_path):
    def options(made):
        def freeze(epoch, logs):
            made.layers[3].trainable = epoch not in (1, 2)

        return [pw.callbacks.LambdaCallback(on_epoch_begin=freeze)]

    same_when_resumed(lambda: compiled_with(optimizer()), options, tmp_path / "backup", stop=17)


class Counting(pw.callbacks.Callback):
    """Counts epochs, from which it sets the rate; and freezes a layer, once and for all, in the second."""

    kept_in_backup = ("begun",)
    begun = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.begun += 1
        self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / (1 + self.begun)
        if epoch == 1:
            self.model.layers[0].trainable = False


@pytest.mark.parametrize("save_freq", [4, "epoch"])
@pytest.mark.extensive
def test_what_callbacks_did_when_an_epoch_began_is_not_done_twice_and_stays(save_freq, tmp_path):
    backup = tmp_path / "backup"
    same_when_resumed(
        lambda: compiled_with(pw.optimizers.Adam(0.5)), lambda made: [Counting()], backup, stop=19, save_freq=save_freq
    )


class Both(pw.Model):
    """A step of its own with two optimizers, a metric and random numbers."""

    def __init__(self):
        super().__init__()
        self.first, self.second = model(), model()
        self.seeds, self.mean = pw.random.SeedGenerator(), pw.metrics.Mean(name="mean")

    def call(self, x):
        return self.first(x) + self.second(x)

    def train_step(self, data):
        x, y = data
        x = x + 0.1 * pw.random.normal(x.shape, seed=self.seeds)
        logs = {}
        for name, part, optimizer in (("a", self.first, self.optimizer), ("b", self.second, self.other)):
            own = part.trainable_variables
            loss, gradients = pw.value_and_grad(lambda part=part: ((part(x) - y[:, None]) ** 2).mean(), own)()
            optimizer.apply(gradients, own)
            self.mean.update_state(loss)
            logs[name] = loss
        return {**logs, "mean": self.mean.result()}


@pytest.mark.parametrize("save_freq", [4, "epoch"])
@pytest.mark.extensive
def test_a_step_of_ones_own_goes_on_with_all_its_optimizers(save_freq, tmp_path):
    def made():
        both = Both()
        both.compile(pw.optimizers.Adam(0.01), "mse")
        both.other = pw.optimizers.SGD(0.1, momentum=0.9, use_ema=True)
        return both

    same_when_resumed(made, lambda made: [], tmp_path / "backup", stop=17, save_freq=save_freq)


@pytest.mark.extensive
def test_a_run_that_was_over_is_not_made_again(tmp_path):
    class FailsAtTheEnd(pw.callbacks.Callback):
        def on_train_end(self, logs=None):
            raise RuntimeError("no")

    whole, history = undisturbed(arrays)
    backup = pw.callbacks.BackupAndRestore(tmp_path / "backup")
    pw.set_random_seed(3)
    with pytest.raises(RuntimeError, match="no"):
        arrays(model(), epochs=3, verbose=0, callbacks=[FailsAtTheEnd(), backup])
    again = model()
    resumed = arrays(again, epochs=3, verbose=0, callbacks=[backup])
    assert_same(whole, again)
    assert resumed.history == history.history


@pytest.mark.extensive
def test_the_backup_is_gone_when_training_has_ended_unless_it_is_to_stay(tmp_path):
    arrays(model(), epochs=1, verbose=0, callbacks=[pw.callbacks.BackupAndRestore(tmp_path / "a")])
    assert not (tmp_path / "a").exists()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("")
    arrays(model(), epochs=1, verbose=0, callbacks=[pw.callbacks.BackupAndRestore(tmp_path / "b")])
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["mine.txt"]
    keeps = pw.callbacks.BackupAndRestore(tmp_path / "c", delete_checkpoint=False)
    arrays(model(), epochs=1, verbose=0, callbacks=[keeps])
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["latest.backup"]


@pytest.fixture
def interrupted(tmp_path):
    """A folder with two backups of a run that was stopped in its third epoch."""
    callback = pw.callbacks.BackupAndRestore(tmp_path / "backup", double_checkpoint=True)
    pw.set_random_seed(3)
    with pytest.raises(KeyboardInterrupt):
        arrays(model(), epochs=3, verbose=0, callbacks=[callback, StopAfter(16)])
    return tmp_path / "backup"


def flip(path):
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage", [flip, lambda path: path.write_bytes(path.read_bytes()[:-50]), lambda path: path.write_bytes(b"")]
)
@pytest.mark.few(2)
@pytest.mark.extensive
def test_a_damaged_backup_is_named_and_training_does_not_begin_anew(interrupted, damage):
    damage(interrupted / "latest.backup")
    (interrupted / "previous.backup").unlink()
    made = model()
    before = made.get_weights()
    with pytest.raises(OSError, match=r"backup cannot be read.*latest.backup' is damaged.*delete"):
        arrays(made, epochs=3, verbose=0, callbacks=[pw.callbacks.BackupAndRestore(interrupted)])
    for a, b in zip(made.get_weights(), before):
        np.testing.assert_array_equal(a, b)


@pytest.mark.extensive
def test_with_two_backups_the_one_before_takes_over(interrupted):
    whole, _ = undisturbed(arrays)
    flip(interrupted / "latest.backup")
    made = model()
    with pytest.warns(UserWarning, match=r"latest.backup' is damaged.*goes on from the backup before it"):
        arrays(
            made, epochs=3, verbose=0, callbacks=[pw.callbacks.BackupAndRestore(interrupted, double_checkpoint=True)]
        )
    assert_same(whole, made)


def test_the_backup_of_another_model_or_optimizer_is_refused(interrupted):
    other = pw.Sequential([pw.Input((4,)), pw.layers.Dense(1, activation="sigmoid")])
    other.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    backup = pw.callbacks.BackupAndRestore(interrupted)
    with pytest.raises(ValueError, match=r"that of another run: it has 8 weights, and there are 2 here"):
        arrays(other, epochs=3, verbose=0, callbacks=[backup])
    other = model()
    other.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    with pytest.raises(ValueError, match="its optimizer is Adam, and the model is compiled with SGD"):
        arrays(other, epochs=3, verbose=0, callbacks=[backup])


def test_a_folder_that_takes_no_file_is_found_before_the_first_step(tmp_path):
    (tmp_path / "file").write_text("")
    made = model()
    with pytest.raises(OSError, match=r"file/backup/latest.backup' cannot be written"):
        arrays(made, verbose=0, callbacks=[pw.callbacks.BackupAndRestore(tmp_path / "file" / "backup")])
    assert made.steps_trained == 0


def test_arguments_are_checked(tmp_path):
    with pytest.raises(ValueError, match="path of a folder"):
        pw.callbacks.BackupAndRestore("")
    with pytest.raises(ValueError, match=r"save_freq='epoch' or a positive number of batches; got 'batch'"):
        pw.callbacks.BackupAndRestore(tmp_path, save_freq="batch")
    two = [pw.callbacks.BackupAndRestore(tmp_path / name) for name in "ab"]
    with pytest.raises(ValueError, match="one BackupAndRestore; got 2"):
        arrays(model(), verbose=0, callbacks=two)


def test_between_backups_the_loop_stays_fused(tmp_path):
    class Chunks(pw.callbacks.Callback):
        def __init__(self):
            self.ends = []

        def on_chunk_end(self, step, logs=None):
            self.ends.append(step)

    watcher = Chunks()
    arrays(model(), epochs=2, verbose=0, callbacks=[watcher, pw.callbacks.BackupAndRestore(tmp_path / "b", 4)])
    assert len(watcher.ends) < 14
    assert {3, 0} <= set(watcher.ends)  # after 4 batches, and after 8: the first of the second epoch

"""What moving statistics lose to fifteen corruptions of photos, and what each method gives back."""

import pathlib
import runpy

import numpy as np
import pytest
from corruptions import CORRUPTIONS, SEVERITIES, corrupted
from sklearn.datasets import load_digits

import phasewise as pw

EXAMPLE = runpy.run_path(str(pathlib.Path(__file__).parents[2] / "examples" / "shift.py"))
EPOCHS = 100  # before that errors on clean digits still fall
BATCH = 200  # the batch of Wang et al. (2021) for pictures of ten classes
NETWORKS = 10
RUN = 64  # the batch, and the memory, of Gong et al. (2022) for streams in runs
pytestmark = pytest.mark.filterwarnings("ignore::phasewise.warning.CollapseWarning")  # what was noticed counts too


@pytest.fixture(scope="module")
def trained():
    """(model, what it was trained on, other images, their digits)."""
    return EXAMPLE["trained"](EPOCHS)


@pytest.mark.extensive
def test_what_lame_does_to_batches_in_any_order_is_noticed_and_what_it_gives_in_runs_is_kept():
    model, _, images, digits = EXAMPLE["trained"](epochs=12)  # less sure, so that neighbours change more
    runs, mixed = np.argsort(digits, kind="stable"), np.random.default_rng(0).permutation(len(images))
    for name in ("shot_noise", "speckle_noise", "elastic"):
        for order, batch, helps in ((runs, RUN, True), (mixed, 32, False), (mixed, BATCH, False)):
            spoilt, wanted = corrupted(images, name, 5)[order], digits[order]
            with pw.adapt(model, None, "lame") as adaptation:
                found = wrong(adaptation.predict(spoilt, batch_size=batch), wanted).mean()
            before = wrong(model.predict(spoilt, verbose=0), wanted).mean()
            assert (adaptation.collapsed is None) == helps
            assert found < before - 0.05 if helps else found < before + 0.07


def wrong(predictions, digits):
    """Boolean (rows,)."""
    return predictions.argmax(-1) != digits


def streamed(model, images, method, batch, **options):
    with pw.adapt(model, None, method, **options) as adaptation:
        return adaptation.predict(images, batch_size=batch)


def adapted_to_all(model, images, method="adabn", **options):
    with pw.adapt(model, images, method, **options):
        return model.predict(images, verbose=0)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_worse_the_severer_it_is_and_the_same_for_a_seed(name):
    images = (load_digits().images[:200, ..., None] / 16).astype(np.float32)
    far = []
    for severity in SEVERITIES:
        spoilt = corrupted(images, name, severity)
        assert spoilt.shape == images.shape and spoilt.dtype == np.float32 and np.isfinite(spoilt).all()
        np.testing.assert_array_equal(spoilt, corrupted(images, name, severity))
        far.append(float(np.square(spoilt - images).mean()))
    assert far[0] > 0 and far == sorted(far)


def test_exact_statistics_of_the_data_take_back_a_quarter_of_the_errors(trained):
    model, _, images, digits = trained
    errors = []
    for name in ("gaussian_noise", "defocus_blur", "contrast", "occlusion", "rotation"):
        spoilt = corrupted(images, name, 5)
        found = model.predict(spoilt, verbose=0), adapted_to_all(model, spoilt)
        errors.append([wrong(each, digits).mean() for each in found])
    moving, adabn = np.mean(errors, 0)
    assert adabn <= 0.75 * moving


@pytest.mark.extensive
@pytest.mark.parametrize("batch", [32, 64, BATCH])
def test_over_all_corruptions_entropy_makes_what_exact_statistics_give_no_worse(batch):
    """Ten networks: a difference between two methods is a matter of the network more than of the row."""
    errors = []
    for seed in range(NETWORKS):
        model, source, images, digits = EXAMPLE["trained"](EPOCHS, seed)
        views = [corrupted(images, name, 5) for name in CORRUPTIONS]
        options = {"tent": {}, "eata": {"source": source}, "sar": {}}
        found = [[model.predict(x, verbose=0) for x in views], [adapted_to_all(model, x) for x in views]]
        found += [[adapted_to_all(model, x, n, batch_size=batch, **o) for x in views] for n, o in options.items()]
        errors.append([np.mean([wrong(p, digits).mean() for p in each]) for each in found])
    moving, adabn, *others = np.transpose(errors)
    assert adabn.mean() <= 0.75 * moving.mean()
    for name, error in zip(options, others):
        worse = error - adabn
        print(f"{name}, {batch} a batch: {worse.mean():+.4f} (s.e. {worse.std(ddof=1) / np.sqrt(NETWORKS):.4f})")
        assert worse.mean() <= 2 * worse.std(ddof=1) / np.sqrt(NETWORKS), name


@pytest.mark.extensive
def test_in_runs_of_one_class_batch_statistics_do_harm_and_note_and_lame_do_none(trained):
    model, _, images, digits = trained
    runs = np.argsort(digits, kind="stable")
    found = {name: [] for name in ("moving", "batch", "note", "lame")}
    for name in CORRUPTIONS:
        spoilt = corrupted(images, name, 5)[runs]
        found["moving"].append(wrong(model.predict(spoilt, verbose=0), digits[runs]).mean())
        by_batch = model.predict(spoilt, batch_size=RUN, statistics="batch", verbose=0)
        found["batch"].append(wrong(by_batch, digits[runs]).mean())
        for method in ("note", "lame"):
            found[method].append(wrong(streamed(model, spoilt, method, RUN), digits[runs]).mean())
    error = {name: np.mean(each) for name, each in found.items()}
    assert error["batch"] > error["moving"] + 0.05
    assert max(error["note"], error["lame"]) <= error["moving"] + 0.02

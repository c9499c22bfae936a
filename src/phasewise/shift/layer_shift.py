"""How far the input of one normalization is from the statistics that normalize it, and whether that is more than chance."""

import dataclasses

import numpy as np

import phasewise.shift.given_the_others as given_the_others
from phasewise.shift.significance import Evidence, against_moving, against_reference, critical, holm

FEW_CHANNELS = 0.25
FIRST = 0.8
"""The share of alpha that the first normalization is tested at: a shift of the inputs shows nowhere as clearly. The others share the rest."""
OF_MEANS = 0.75
"""The share of a layer's alpha that its means are tested at, alone and given the other channels; the variances have the rest."""
ALIKE = 0.1
"""How far channels may be from one common factor, as a share of their standard deviation."""
CONSTANT = 0.05
"""A channel has stopped to vary where its standard deviation is below this share of the moving one."""


@dataclasses.dataclass(frozen=True)
class LayerShift:
    """One call of a normalization layer. Arrays are float64, (channels,); of a recurrent term a step and a channel are a channel.

    Attributes:
        layer: its name, with the number of the call where there are several.
        rows, positions: rows, and positions of each, that the data's statistics are taken over.
        moving_mean, moving_variance: what normalizes; with reference data these data's.
        mean, variance: of the data, the variance biased.
        epsilon: what the layer adds to a variance.
        displacement: (mean - moving mean) / sqrt(moving variance + epsilon).
        log_ratio: of the standard deviations, log(sqrt(variance + epsilon) / sqrt(moving variance + epsilon)).
        divergence: KL(N(data) || N(moving)) = (ratio² + displacement² - 1) / 2 - log ratio, in nats.
        error: standard error of the displacement.
        p_mean, p_variance: two-sided p-values, with Holm's correction over the channels of the layer.
        unexpected: of the displacement what the other channels of a row do not explain; 0 where that is not tested, as in all layers but the
            first. error_unexpected: its standard error, infinite there. p_unexpected: as p_mean; 1 there.
        p: the smallest of them, with Holm's correction over the layers.
        alpha: the level; share: the part of it that the layer is tested at, whatever is found in others.
        evidence: how well the moving statistics are known.
        lag: the share of the values that they were made with that is left in them, where that is known and counts; else 0.
    """

    layer: str
    rows: int
    positions: float
    moving_mean: np.ndarray
    moving_variance: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    epsilon: float
    displacement: np.ndarray
    log_ratio: np.ndarray
    divergence: np.ndarray
    error: np.ndarray
    p_mean: np.ndarray
    p_variance: np.ndarray
    unexpected: np.ndarray
    error_unexpected: np.ndarray
    p_unexpected: np.ndarray
    p: float
    alpha: float
    share: float
    evidence: Evidence
    lag: float

    @property
    def is_shifted(self) -> bool:
        """Whether it is, at `alpha`."""
        return self.p <= self.alpha

    @property
    def affected(self) -> np.ndarray:
        """Boolean (channels,): those whose mean or variance is off, at `alpha`.

        Where one channel moves, those that go with it are not where it lets them be expected: of them the one that is off most counts.
        """
        off = np.minimum(self.p_mean, self.p_variance) <= self.alpha
        off[self.most_unexpected] |= self.p_unexpected.min() <= self.alpha
        return off & self.is_shifted

    @property
    def share_affected(self) -> float:
        """The share of them."""
        return float(self.affected.mean())

    @property
    def rms_displacement(self) -> float:
        """Root mean square of the displacement over channels, in standard deviations."""
        return float(np.sqrt(np.mean(self.displacement**2)))

    @property
    def rms_log_ratio(self) -> float:
        """Root mean square of the log ratio over channels."""
        return float(np.sqrt(np.mean(self.log_ratio**2)))

    @property
    def worst(self) -> int:
        """The channel with the largest divergence."""
        return int(np.argmax(self.divergence))

    @property
    def most_displaced(self) -> int:
        """The channel whose mean is farthest off."""
        return int(np.argmax(np.abs(self.displacement)))

    @property
    def most_unexpected(self) -> int:
        """The channel that is farthest from where the other channels let it be expected, in standard errors."""
        return int(np.argmax(np.abs(self.unexpected) / self.error_unexpected))

    @property
    def is_seen_alone(self) -> bool:
        """Whether a channel alone is off, whatever the others say."""
        return bool(min(self.p_mean.min(), self.p_variance.min()) <= self.alpha)

    @property
    def factor(self) -> float | None:
        """What every value looks multiplied by: the mean and the deviation of each channel are that times what they were; None where they are not."""
        varying = (self.moving_variance > 0) & (self.variance > 0)
        if not varying.any() or not self.is_shifted:
            return None
        trained, found = np.sqrt(self.moving_variance[varying]), np.sqrt(self.variance[varying])
        factor = float(found @ trained / (trained @ trained))
        off = np.abs(self.mean - factor * self.moving_mean)[varying] / (factor * trained)
        is_common = max(np.abs(found / trained / factor - 1).max(), off.max()) <= ALIKE
        return factor if is_common and abs(np.log(factor)) > ALIKE else None

    @property
    def order(self) -> np.ndarray:
        """The channels, the largest divergence first."""
        return np.argsort(-self.divergence, kind="stable")

    @property
    def constant(self) -> np.ndarray:
        """Boolean (channels,): affected, and hardly varying any more: dead where the value is near 0, else saturated."""
        return self.affected & (self.variance <= CONSTANT**2 * self.moving_variance)

    @property
    def kind(self) -> str:
        """What the shift is, in words; "" where there is none."""
        if not self.is_shifted:
            return ""
        stopped = self.constant
        if stopped.any() and stopped.sum() >= self.affected.sum() / 2:
            dead = np.abs(self.mean[stopped]) <= 0.05 * np.sqrt(self.moving_variance[stopped] + self.epsilon)
            what = "dead" if dead.all() else "saturated" if not dead.any() else "dead or saturated"
            return f"{_number(stopped, len(self.mean))} {what}"
        words = [
            word
            for word, p in (("displaced", np.minimum(self.p_mean, self.p_unexpected)), ("scaled", self.p_variance))
            if (p[self.affected] <= self.alpha).any()
        ]
        few = 0 < self.share_affected <= FEW_CHANNELS and len(self.mean) > 3
        return " and ".join(words) + (f" in {_number(self.affected, len(self.mean))}" if few else "")

    @property
    def detectable(self) -> float:
        """The displacement of one channel, in standard deviations, that would be found nine times out of ten: the median channel's."""
        counted = np.isfinite(self.error) & (self.error > 0)
        if not counted.any():
            return float("inf")
        level = self.alpha * self.share * OF_MEANS / (len(self.mean) + np.isfinite(self.error_unexpected).sum())
        needed = critical(level, max(self.rows - 1, 1)) + 1.2816  # the normal distribution's 90 % point
        return float(np.median(np.minimum(self.error, self.error_unexpected)[counted]) * needed)

    def to_dict(self) -> dict:
        """Numbers and lists, ready for JSON."""
        found = {
            field.name: _plain(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.name != "evidence"
        }
        found["evidence"] = {name: _plain(value) for name, value in dataclasses.asdict(self.evidence).items()}
        names = ("is_shifted", "share_affected", "rms_displacement", "rms_log_ratio", "worst", "kind")
        return found | {name: getattr(self, name) for name in names}


def _plain(value):
    """A value as JSON knows it: infinity is null."""
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value.tolist()]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _number(chosen, of):
    count = int(np.sum(chosen))
    return f"{count} of {of} channels"


def layer_shifts(calls, reference, alpha):
    """A `LayerShift` for each call, tested together by a weighted Holm procedure.

    What can be found at most: of n single numbers a displacement of d standard deviations is d sqrt(n) standard errors of their mean; 0.3 of 128 are
    3.39. By the lemma of Neyman and Pearson no test at the level 0.01 finds it more often than Phi(3.39 - 2.33) = 86 %, which needs the deviation,
    the channel and the sign to be known; 79 % where the sign is not. Of one among six independent channels, either way, the best
    test on average is that of the mean of cosh(z_i d sqrt(n)): 60 %. Six t-tests of means at alpha / 6 each come to 57 %; with the shares here, which
    leave something for variances and for the other layers, it is 51 %, and with equal ones over three layers and 12 tests each 37 %.
    Pictures are told apart better since the mean of a row is less uncertain than a value; and so are channels that go together, where the others tell of
    each: with R² the share of its variance that they explain, a displacement is 1 / sqrt(1 - R²) times as many standard errors. By simulation 0.3 of
    one of 4 normal channels are found in nine of ten draws of 128 rows where R² is 0.55 or more, of 8 from about 0.6 on, of 16 from 0.65, of 32 from
    0.75, of 64 from 0.85; and in 300 rows, with up to 16 channels, whatever R² is.

    Args:
        calls: list of `phasewise.shift.gathering.Call`.
        reference: the same calls over reference data, or None: then the moving statistics are what data are held against.
        alpha: the level.
    """
    found = [_tested(call, other) for call, other in zip(calls, reference or [None] * len(calls))]
    shares = shares_of(len(found))
    p = holm(
        np.array([min(each[name].min() for name in ("p_mean", "p_variance", "p_unexpected")) for each in found]), shares
    )
    return [LayerShift(**each, p=float(q), alpha=alpha, share=float(w)) for each, q, w in zip(found, p, shares)]


def shares_of(layers):
    """(layers,): the shares of alpha."""
    if layers == 1:
        return np.ones(1)
    return np.array([FIRST] + [(1 - FIRST) / (layers - 1)] * (layers - 1))


def _corrected(p_mean, p_variance, unexpected, counted):
    """(3, channels): p-values of means, of variances and of means given the others, with Holm's correction over those that are tested."""
    tested = np.stack([counted, counted, np.isfinite(unexpected.error)])
    weights = np.full(tested.shape, OF_MEANS / max(tested[::2].sum(), 1))
    weights[1] = (1 - OF_MEANS) / max(counted.sum(), 1)
    p = np.ones(tested.shape)
    p[tested] = holm(np.stack([p_mean, p_variance, unexpected.p])[tested], weights[tested])
    return p


def _tested(call, other):
    """The fields of a `LayerShift`, but for what the other layers have a part in."""
    rows, epsilon, evidence = call.rows.summary(), call.average.epsilon, Evidence(*call.average.rows_behind)
    mean, variance = (np.asarray(each, np.float64).reshape(-1) for each in call.average.used_now())
    if other is None:
        p_mean, p_variance, error = against_moving(rows, mean, variance, epsilon, evidence)
        unexpected = given_the_others.against_moving(rows, mean, variance, epsilon, evidence)
    else:
        given = other.rows.summary()
        p_mean, p_variance, error = against_reference(rows, given, epsilon)
        unexpected = given_the_others.against_reference(rows, given)
        mean, variance = given.centre, given.square * given.scale**2
        evidence = Evidence(float(given.rows.max()), float(given.rows.max()), "reference")
    p = _corrected(p_mean, p_variance, unexpected, rows.rows >= 2)
    counted = rows.rows >= 2
    centre = np.where(rows.rows > 0, rows.centre, mean)
    found_variance = np.where(rows.rows > 0, rows.square * rows.scale**2, variance)
    ratio = (found_variance + epsilon) / np.maximum(variance + epsilon, 1e-300)
    ratio = np.maximum(np.where(variance + epsilon > 0, ratio, 1), 1e-30)
    scale = np.sqrt(variance + epsilon)
    displacement = (centre - mean) / np.where(scale > 0, scale, 1)
    return {
        "layer": call.name,
        "rows": int(rows.rows.max()),
        "positions": float(rows.positions[counted].mean()) if counted.any() else 0.0,
        "moving_mean": mean,
        "moving_variance": variance,
        "mean": centre,
        "variance": found_variance,
        "epsilon": float(epsilon),
        "displacement": displacement,
        "log_ratio": np.log(ratio) / 2,
        "divergence": (ratio + displacement**2 - 1 - np.log(ratio)) / 2,
        "error": np.where(counted, error, np.inf),
        "p_mean": p[0],
        "p_variance": p[1],
        "unexpected": unexpected.displacement,
        "error_unexpected": unexpected.error,
        "p_unexpected": p[2],
        "evidence": evidence,
        "lag": float(call.average.initial_share or 0) if evidence.source == "fit" else 0.0,
    }

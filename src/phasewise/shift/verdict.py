"""An audit in words."""

import dataclasses
import math

from phasewise.shift.remedies import is_better

TOO_FEW = 1.0
"""Where a displacement of fewer standard deviations than this would be missed, "no shift" is nothing to rely on."""
LAG = 0.001
AGREE = 0.95
AGREE_SORTED = 0.9
UNIT = 20
"""Data so many times as large as those of training, or as small, come in another unit."""
SMALL = 0.02
"""A shift is small where no channel diverges by this many nats: a displacement of 0.2 standard deviations."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        is_shifted: whether anything is off at `alpha`.
        is_decided: False where nothing was found, and too few rows came to find what matters.
        first: the first layer in which it shows, "" where there is none.
        begins: "at the input" where that is the first normalization of the model, else "inside"; "" where there is no shift.
        kind: "displaced", "scaled", "displaced and scaled", "3 of 64 channels dead" …; "" where there is no shift.
        helps: the statistics that do best, where these are better than the moving ones; else "".
        headline: one line.
        sentences: what a person should know, in order.
        warnings: what to beware of.
    """

    is_shifted: bool
    is_decided: bool
    first: str
    begins: str
    kind: str
    helps: str
    headline: str
    sentences: tuple[str, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        lines = [self.headline, *self.sentences, *(f"Beware: {each}" for each in self.warnings)]
        return "\n".join(lines)


def verdict_of(layers, remedies, rows):
    """The `Verdict` on `LayerShift`s and `Remedies` (None where none were tried)."""
    shifted = [layer for layer in layers if layer.is_shifted]
    detectable = max(layer.detectable for layer in layers)
    helps = _helps(remedies) if shifted else ""
    if not shifted:
        headline, sentences, is_decided = _nothing(layers, rows, detectable)
        return Verdict(False, is_decided, "", "", "", "", headline, sentences, _warnings(layers, remedies, False))
    first = shifted[0]
    begins = "at the input" if first is layers[0] else "inside"
    sentences = [_consequence(remedies), _likeness(first) if begins == "at the input" else ""]
    sentences += [_cure(layers, remedies, helps)] if remedies is not None else []
    sentences += [_where(layers, first, begins, len(shifted)), _how(first)]
    headline = "The data have shifted: they are not like those that the model was trained on."
    kept = tuple(each for each in sentences if each)
    return Verdict(
        True, True, first.layer, begins, first.kind, helps, headline, kept, _warnings(layers, remedies, True)
    )


def _nothing(layers, rows, detectable):
    if detectable > TOO_FEW:
        headline = f"Too few rows to say: {rows} rows came, and no shift was found in them."
        text = (
            f"So few rows would show a channel's displacement only from {detectable:.1f} standard deviations on. Give more: with "
            f"{int(rows * (detectable / 0.5) ** 2) + 1:,} rows half a standard deviation would show."
        )
        return headline, (text,), False
    where = "the normalization" if len(layers) == 1 else f"none of the {len(layers)} normalizations"
    further = "the data are no further" if len(layers) == 1 else "are the data further"
    text = (
        f"In {where} {further} from the statistics of training than chance explains. "
        f"A displacement of {detectable:.2f} standard deviations of one channel would have been found nine times out of ten."
    )
    return "No shift was found: the data are like those that the model was trained on.", (text,), True


def _where(layers, first, begins, count):
    if begins == "at the input":
        place = f"It begins at the input: it shows in {first.layer!r}, the first normalization of the model"
    else:
        before = layers[: layers.index(first)]
        place = (
            f"It begins inside: it shows first in {first.layer!r}; what comes before it ({before[-1].layer!r} and "
            f"{len(before) - 1} others) fits"
            if len(before) > 1
            else f"It begins inside: it shows first in {first.layer!r}; {before[-1].layer!r} before it fits"
        )
    rest, others = count - 1, len(layers) - 1
    elsewhere = "the other" if others == 1 else f"{'all' if rest == others else rest} of the others"
    return f"{place}{f', and in {elsewhere}' if rest else ''}."


def _how(layer):
    most, worst, has_several = layer.most_displaced, layer.worst, len(layer.mean) > 1
    channel = f" (most in channel {most}: by {_short(layer.displacement[most], '+')})" if has_several else ""
    if "dead" in layer.kind or "saturated" in layer.kind:
        return f"Kind: {layer.kind}: these hardly vary any more, where in training they did."
    if not layer.is_seen_alone:
        channel = layer.most_unexpected
        off = layer.unexpected[channel]
        return (
            f"Kind: {layer.kind}. No channel by itself is off by more than chance, but channel {channel} is {abs(off):.2g} standard deviations "
            f"{'above' if off > 0 else 'below'} what the other channels of the same rows let one expect."
        )
    spread = ""
    if "scaled" in layer.kind:
        spread = f", the standard deviation {_short(_ratio(layer.log_ratio.mean()))} times that of training"
        spread += f" ({_short(_ratio(layer.log_ratio[worst]))} in channel {worst})" if has_several else ""
    return (
        f"Kind: {layer.kind}, by {_short(layer.rms_displacement)} standard deviations of the training data{channel}{spread}; "
        f"{layer.share_affected:.0%} of the channels are affected.{_direction(layer)}"
    )


def _direction(layer):
    """Which way, where all the channels that are affected go the same."""
    moved, spread = layer.displacement[layer.affected], layer.log_ratio[layer.affected]
    words = []
    if "displaced" in layer.kind and (abs(sum(moved > 0) / len(moved) - 0.5) == 0.5):
        words.append("lie higher" if moved[0] > 0 else "lie lower")
    if "scaled" in layer.kind and (abs(sum(spread > 0) / len(spread) - 0.5) == 0.5):
        words.append("vary more" if spread[0] > 0 else "vary less")
    return f" The values {' and '.join(words)} than in training." if words else ""


def _short(number, sign=""):
    """Two digits, or a whole number."""
    return f"{number:{sign},.0f}" if abs(number) >= 10 else f"{number:{sign}.2g}"


def _ratio(log_ratio):
    return math.exp(min(max(log_ratio, -50), 50))


def _likeness(layer):
    """What the data look like that were made of those of training by one factor."""
    factor = layer.factor
    if factor is None:
        return ""
    if not 1 / UNIT < factor < UNIT:
        return (
            f"The values are about {_short(factor)} times as large as in training, all of them: do they come in another unit, such as pixels of 0 to 255 "
            "in the place of 0 to 1? Then give them that of training; nothing else is needed."
        )
    photos = "that were taken in less light" if factor < 1 else "that were taken in more light, or with more contrast"
    return (
        f"It looks as if every value had been multiplied by about {_short(factor)}, like photos {photos}. Where that can be taken back before the "
        "model sees them, nothing else is needed."
    )


def _consequence(remedies):
    if remedies is None:
        return ""
    moving = remedies["moving"]
    if moving.accuracy is not None:
        return f"As it is, the model is right in {moving.accuracy:.0%} of the cases."
    if moving.histogram is None:
        return ""
    total = sum(moving.histogram)
    most = max(range(len(moving.histogram)), key=lambda k: moving.histogram[k])
    return f"As it is, the model says class {most} in {moving.histogram[most] / total:.0%} of the cases."


def _helps(remedies):
    return "" if remedies is None or remedies.best == "moving" else remedies.best


def _cure(layers, remedies, helps):
    if not helps:
        return _no_cure(layers, remedies)
    batch, moving, best = remedies["batch"], remedies["moving"], remedies[helps]
    told = {
        "accuracy": lambda r: f"{r.accuracy:.0%} right",
        "loss": lambda r: f"loss {r.metrics['loss']:.3g}",
        "information": lambda r: f"{r.information:.2f} nats of information",
    }[remedies.by]
    name = "Batch statistics undo it" if is_better(batch, moving, remedies.by) else f"{helps} helps"
    again = "the predictions tell the rows apart again, " if remedies.by == "information" else ""
    text = f"{name}: {again}{told(batch if name.startswith('Batch') else best)} in the place of {told(moving)}."
    if helps != "batch" and name.startswith("Batch"):
        text += f" {helps} does best ({told(best)})."
    return f"{text} Try predict(x, statistics={written(helps)})."


def _no_cure(layers, remedies):
    """What to say where no statistics are better than the moving ones, or where that cannot be told."""
    if len(remedies.tried) == 1:
        first = next(layer.layer for layer in layers if layer.is_shifted)
        return (
            "The model has no batch normalization that could take other statistics: look at the data; or, where data are to stay like these, "
            f"call adapt(data) of {first!r}, or train on such data."
        )
    batch = remedies["batch"]
    if not remedies.by:
        return (
            f"Batch statistics change the predictions by {batch.agreement:.2f} of their standard deviation; whether that helps cannot be "
            "told of numbers without labels and the loss of a compiled model."
        )
    if (
        remedies.kind != "numbers"
        and batch.agreement >= AGREE
        and max(each.divergence.max() for each in layers) < SMALL
    ):
        return (
            f"It is more than chance, but small: batch statistics, which take it away, leave {batch.agreement:.0%} of the predicted classes "
            "as they are. Nothing needs to be done for these predictions."
        )
    return "None of the statistics that were tried does better than the moving ones: look at the data, or train on such data."


def written(policy):
    """A policy's name as code that `predict` takes."""
    return f"phasewise.{policy}" if policy.startswith("blend") else repr(policy)


def _warnings(layers, remedies, is_shifted):
    """What else could be the reason, and what batch statistics depend on, as the data at hand show it."""
    late = [layer for layer in layers if layer.lag > LAG and layer.is_shifted]
    found = []
    if late:
        found.append(
            f"the moving statistics of {late[0].layer!r} had not caught up when fit ended ({late[0].lag:.0%} of the initial values are "
            "left in them): some of this, or all, may be that. Call phasewise.recalibrate(model, training_data) and audit again."
        )
    if remedies is None or remedies.halved is None:
        return tuple(found)
    if remedies.halved < AGREE:
        found.append(
            f"with batches of {max(remedies.batch_rows // 2, 1)} rows in the place of {remedies.batch_rows}, batch statistics change "
            f"{1 - remedies.halved:.0%} of the predicted classes: rows are few for them. Give a larger batch_size, or blend."
        )
    if remedies.sorted < AGREE_SORTED and is_shifted:
        found.append(
            f"with the rows sorted by class, batch statistics change {1 - remedies.sorted:.0%} of the predicted classes: they are only "
            "for batches in which the classes are mixed as they were in training."
        )
    if remedies.is_sorted:
        found.append(
            "these data come in runs of few classes: batch statistics are wrong for them as they come. Shuffle them, or use moving ones."
        )
    return tuple(found)

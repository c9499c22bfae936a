"""Folders of sounds as a data set."""

import math
import os
import wave
from collections.abc import Sequence
from typing import Any

import numpy as np

from phasewise.core.arguments import check_count
from phasewise.core.registry import one_of
from phasewise.utils.folders import Folder


def audio_dataset_from_directory(
    directory: str | os.PathLike,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Any:
    """A data set of the `.wav` files in a directory, one folder a class.

    Args:
        sampling_rate: samples a second to bring all sounds to; None takes them as they are.
        output_sequence_length: samples at which a sound is cut off, and up to which it is filled with zeros; None keeps its length,
            and fills up to the longest of its batch.
        ragged: batches of sounds of different lengths do not exist here; leave it False.
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links, verbose:
            as in `image_dataset_from_directory`.

    Returns:
        A `Dataset` of sounds (float32 between -1 and 1, (batch, samples, 1), the first channel of each), or of (sounds, labels),
        with `class_names` and `file_paths`; a list of two for the subset "both".

    Raises:
        ValueError: arguments that contradict each other; no files; when it is read, a file that is no PCM sound, which is named.
    """
    owner = "audio_dataset_from_directory"
    one_of(owner, "ragged", ragged, (False,))
    for name, value in (("sampling_rate", sampling_rate), ("output_sequence_length", output_sequence_length)):
        if value is not None:
            check_count(owner, name, value)

    def load(path):
        sound, rate = read_wav(path)
        if sampling_rate is not None and rate != sampling_rate:
            sound = _resampled(sound, rate, sampling_rate)
        if output_sequence_length is not None:
            sound = sound[:output_sequence_length]
            sound = np.pad(sound, (0, output_sequence_length - len(sound)))
        return sound[:, None].astype(np.float32)

    def batch(plan):
        if batch_size is None:
            return plan
        return plan.padded_batch(batch_size) if output_sequence_length is None else plan.batch(batch_size)

    folder = Folder(
        owner,
        directory,
        (".wav",),
        labels,
        label_mode,
        class_names,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )
    return folder.plans(load, batch)


def read_wav(path: str | os.PathLike) -> tuple[np.ndarray, int]:
    """The first channel of a PCM file, float32 in [-1, 1), and its samples a second.

    Raises:
        ValueError: it is no PCM file of 8, 16, 24 or 32 bits.
    """
    try:
        with wave.open(os.fspath(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            frames = np.frombuffer(file.readframes(file.getnframes()), np.uint8)
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path} is no sound that can be read: {error}. PCM in .wav files is.") from None
    samples = frames.reshape(-1, channels, width)[:, 0]
    if width == 1:  # the only one that is without a sign
        return (samples[:, 0].astype(np.float32) - 128) / 128, rate
    whole = np.zeros((len(samples), 4), np.uint8)
    whole[:, 4 - width :] = samples
    return whole.view("<i4")[:, 0].astype(np.float32) / 2**31, rate


def _resampled(sound, before, after):
    from scipy.signal import resample_poly  # scipy takes a while to import; it is there wherever JAX is

    common = math.gcd(before, after)
    return resample_poly(sound, after // common, before // common)

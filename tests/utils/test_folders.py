"""Data sets of the files in a directory: the same files, labels and parts as Keras's."""

import wave

import numpy as np
import pytest
from keras.src.utils import dataset_utils

import phasewise as pw
from phasewise.core import defaults

U = pw.utils


@pytest.fixture
def pictures(tmp_path):
    """Three classes of 3, 4 and 5 pictures; all pixels of the picture are 10 * class + number."""
    for label, name in enumerate(["ant", "bee", "cat"]):
        (tmp_path / name / "more").mkdir(parents=True)
        for number in range(3 + label):
            place = tmp_path / name / ("more" if number == 1 else "") / f"{number}.png"
            U.save_img(place, np.full((4 + label, 6, 3), 10 * label + number), scale=False)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def pixels(plan, labelled=True):
    """The first pixel of each picture, and the labels."""
    batches = list(plan)
    images = np.concatenate([b[0] if labelled else b for b in batches])
    return images[:, 0, 0, 0].astype(int).tolist(), [int(y) for b in batches for y in b[1]] if labelled else None


def images(directory, **settings):
    return U.image_dataset_from_directory(directory, **{"image_size": (4, 4), "verbose": False, **settings})


def test_labels_are_those_of_the_folders_in_sorted_order(pictures, capsys):
    plan = images(pictures, shuffle=False, batch_size=5, verbose=True)
    assert capsys.readouterr().out == "Found 12 files belonging to 3 classes.\n"
    values, labels = pixels(plan)
    assert labels == [0] * 3 + [1] * 4 + [2] * 5
    assert [value // 10 for value in values] == labels
    assert plan.class_names == ["ant", "bee", "cat"]
    assert len(plan.file_paths) == 12 and len(plan) == 3
    image, label = next(iter(plan))
    assert image.shape == (5, 4, 4, 3) and image.dtype == np.float32 and label.dtype == np.int32


@pytest.mark.parametrize("label_mode", ["int", "binary", "categorical"])
def test_without_labels_pictures_come_alone_whatever_the_label_mode(pictures, label_mode):
    assert next(iter(images(pictures, labels=None, label_mode=label_mode))).shape == (12, 4, 4, 3)


def test_pictures_have_their_channels_where_images_have_them_by_default(pictures, monkeypatch):
    monkeypatch.setitem(defaults._values, "image_data_format", "channels_first")
    image, _ = next(iter(images(pictures)))
    assert image.shape == (12, 3, 4, 4)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("class_names", [None, ["cat", "ant"]])
def test_files_order_and_parts_are_those_of_keras(pictures, shuffle, class_names):
    paths, labels, names = dataset_utils.index_directory(
        str(pictures), "inferred", (".png",), class_names, shuffle, seed=5, verbose=False
    )
    settings = {"shuffle": shuffle, "seed": 5, "class_names": class_names, "validation_split": 0.3}
    for subset, plan in zip(("training", "validation"), images(pictures, subset="both", **settings), strict=True):
        expected, numbers = dataset_utils.get_training_or_validation_split(paths, labels, 0.3, subset)
        assert plan.file_paths == list(expected) == images(pictures, subset=subset, **settings).file_paths
        assert plan.class_names == names
        values, found = pixels(plan)
        by_file = {int(U.img_to_array(U.load_img(path))[0, 0, 0]): number for path, number in zip(expected, numbers)}
        assert dict(zip(values, found)) == by_file


def test_each_pass_has_another_order_and_each_picture_its_label(pictures):
    plan = images(pictures, seed=1)
    orders = [pixels(plan) for _ in range(2)]
    assert orders[0][0] != orders[1][0] and sorted(orders[0][0]) == sorted(orders[1][0])
    assert all(value // 10 == label for values, labels in orders for value, label in zip(values, labels))


def test_labels_in_every_mode(pictures):
    two = {"class_names": ["bee", "cat"], "shuffle": False, "batch_size": None}
    assert [y.tolist() for _, y in images(pictures, label_mode="binary", **two)] == [[0.0]] * 4 + [[1.0]] * 5
    hot = [y for _, y in images(pictures, label_mode="categorical", **two)]
    assert hot[0].tolist() == [1, 0] and hot[-1].tolist() == [0, 1] and hot[0].dtype == np.float32
    assert pixels(images(pictures, labels=None, shuffle=False), False)[0][:3] == [0, 2, 1]
    given = images(pictures, labels=list(range(12)), shuffle=False)
    assert pixels(given)[1] == list(range(12))


@pytest.mark.parametrize(("setting", "columns"), [("crop_to_aspect_ratio", 4), ("pad_to_aspect_ratio", 6)])
def test_the_shape_of_things_is_kept_by_cutting_or_filling(tmp_path, setting, columns):
    row = np.arange(6.0)
    U.save_img(tmp_path / "a.png", np.broadcast_to(row[None, :, None], (4, 6, 3)), scale=False)
    size = 4 if columns == 4 else 6
    (image,) = images(tmp_path, labels=None, image_size=size, batch_size=None, **{setting: True})
    expected = [1, 2, 3, 4] if columns == 4 else row
    np.testing.assert_array_equal(image[2, :, 0], expected)
    assert image[0].max() == (0 if columns == 6 else 4)


def test_channels_first_and_grayscale(pictures):
    (first, *_) = images(
        pictures, labels=None, batch_size=None, data_format="channels_first", color_mode="rgba", image_size=5
    )
    assert first.shape == (4, 5, 5)
    (gray, *_) = images(pictures, labels=None, batch_size=None, color_mode="grayscale")
    assert gray.shape == (4, 4, 1)


def test_a_model_learns_from_a_folder(pictures):
    model = pw.Sequential([pw.layers.Flatten(), pw.layers.Dense(3)])
    model.compile("sgd", pw.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert np.isfinite(model.fit(images(pictures), verbose=0).history["loss"][0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": "infered"}, "labels are 'inferred', None or a list of class numbers; got 'infered'"),
        ({"labels": [1, 2]}, "There are 2 labels for the 12 files"),
        ({"labels": None, "class_names": ["ant"]}, "class_names goes with labels='inferred'"),
        ({"class_names": ["ant", "dog"]}, r"class_names holds \['dog'\], and there are no such folders"),
        ({"label_mode": "one_hot"}, "label_mode is one of .*; got 'one_hot'"),
        ({"label_mode": "binary"}, r"'binary' takes two classes; .* has 3: \['ant', 'bee', 'cat'\]"),
        ({"validation_split": 0.5}, "validation_split and subset go together"),
        ({"validation_split": 2, "subset": "training", "seed": 1}, "a fraction between 0 and 1; got 2"),
        ({"validation_split": 0.5, "subset": "training"}, "a seed is needed, or a file may be in both parts"),
        ({"validation_split": 0.01, "subset": "training", "seed": 1}, "of 12 files leaves nothing to validate on"),
        ({"validation_split": 0.5, "subset": "test", "seed": 1}, "subset is one of .*; got 'test'"),
        ({"image_size": (4, 4, 3)}, r"image_size must be .* a tuple of 2 of them; got \(4, 4, 3\)"),
        ({"validation_split": "0.5", "subset": "training", "seed": 1}, "validation_split must be a finite number"),
        ({"image_size": True}, "image_size must be a positive integer or a tuple of 2 of them; got True"),
        ({"interpolation": None}, "interpolation is one of .*; got None"),
        ({"interpolation": "linear"}, "interpolation is one of .*Did you mean 'bilinear'"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "Only one of crop_to_aspect_ratio and pad_to"),
    ],
)
def test_arguments_that_cannot_be_are_refused(pictures, settings, message):
    with pytest.raises(ValueError, match=message):
        images(pictures, **settings)


def test_a_folder_without_pictures_and_a_broken_picture_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"No file that ends in \.bmp, .* was found in"):
        images(tmp_path, labels=None)
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.raises(OSError) as caught:
        list(images(tmp_path, labels=None))
    assert "broken.png was read as an image" in caught.value.__notes__[0]


def test_texts_come_with_their_labels(tmp_path):
    for name, words in (("bad", ["never again", "no"]), ("good", ["ja, schön"])):
        (tmp_path / name).mkdir()
        for number, text in enumerate(words):
            (tmp_path / name / f"{number}.txt").write_text(text, encoding="utf-8")
    plan = U.text_dataset_from_directory(tmp_path, shuffle=False, verbose=False)
    ((texts, labels),) = plan
    assert texts.tolist() == ["never again", "no", "ja, schön"] and labels.tolist() == [0, 0, 1]
    ((texts, _),) = U.text_dataset_from_directory(tmp_path, shuffle=False, max_length=5, verbose=False)
    assert texts.tolist() == ["never", "no", "ja, s"]
    with pytest.raises(ValueError, match="max_length must be a positive integer; got -1"):
        U.text_dataset_from_directory(tmp_path, max_length=-1)
    (tmp_path / "bad" / "0.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"0\.txt is no text in UTF-8: .* Convert it first"):
        list(U.text_dataset_from_directory(tmp_path, verbose=False))


def write_wav(path, samples, width, rate=8000, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        whole = np.round(np.asarray(samples) * 2 ** (8 * width - 1)).astype("<i8")
        whole = whole + 128 if width == 1 else whole
        file.writeframes(whole.view(np.uint8).reshape(*whole.shape, 8)[..., :width].tobytes())


SOUND = np.array([0.0, 0.5, -0.5, 0.25, -1.0])


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_sounds_of_every_width_lie_between_minus_one_and_one(tmp_path, width):
    write_wav(tmp_path / "a.wav", SOUND, width)
    ((sound,),) = U.audio_dataset_from_directory(tmp_path, labels=None, verbose=False)
    assert sound.dtype == np.float32
    np.testing.assert_array_equal(sound, SOUND[:, None])


def test_sounds_are_cut_filled_up_and_brought_to_one_rate(tmp_path):
    write_wav(tmp_path / "a.wav", SOUND, 2)
    write_wav(tmp_path / "b.wav", np.stack([SOUND[:3], SOUND[2:]], 1), 2, channels=2)
    settings = {"labels": None, "shuffle": False, "verbose": False}
    (filled,) = U.audio_dataset_from_directory(tmp_path, **settings)
    np.testing.assert_array_equal(filled[..., 0], [SOUND, [*SOUND[:3], 0, 0]])
    (cut,) = U.audio_dataset_from_directory(tmp_path, output_sequence_length=4, **settings)
    np.testing.assert_array_equal(cut[..., 0], [SOUND[:4], [*SOUND[:3], 0]])
    wave_of_10 = 0.5 * np.sin(2 * np.pi * 10 * np.arange(8000) / 8000)
    write_wav(tmp_path / "a.wav", wave_of_10, 4)
    (halved, _) = U.audio_dataset_from_directory(tmp_path, sampling_rate=4000, batch_size=None, **settings)
    assert halved.shape == (4000, 1)
    np.testing.assert_allclose(halved[100:-100, 0], wave_of_10[::2][100:-100], atol=2e-3)


def test_what_is_no_sound_is_named(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"RIFFnothing at all")
    with pytest.raises(ValueError, match=r"a\.wav is no sound that can be read: .* PCM in \.wav files is"):
        list(U.audio_dataset_from_directory(tmp_path, labels=None, verbose=False))
    with pytest.raises(ValueError, match="sampling_rate must be a positive integer; got 0"):
        U.audio_dataset_from_directory(tmp_path, labels=None, sampling_rate=0)
    with pytest.raises(ValueError, match="ragged is one of False; got True"):
        U.audio_dataset_from_directory(tmp_path, labels=None, ragged=True)

"""Fifteen ways in which photos come out worse than those that were trained on, each at five severities.

After Hendrycks & Dietterich (2019), "Benchmarking neural network robustness to common corruptions and perturbations", for images as small as
scikit-learn's digits: arrays (rows, height, width, 1) of even height and width, ink 1 on a ground of 0. What is drawn is the same whenever the seed is.
"""

import numpy as np
from scipy import ndimage

SEVERITIES = (1, 2, 3, 4, 5)


def gaussian_noise(x, severity, rng):
    """Noise of the sensor."""
    return x + (0.04, 0.08, 0.12, 0.16, 0.2)[severity] * rng.normal(size=x.shape)


def shot_noise(x, severity, rng):
    """Few photons: the more light, the more noise."""
    photons = (64, 32, 20, 12, 8)[severity]
    return rng.poisson(np.clip(x, 0, 1) * photons) / photons


def impulse_noise(x, severity, rng):
    """Pixels that are all black or all white."""
    hit = rng.random(x.shape) < (0.01, 0.03, 0.05, 0.07, 0.1)[severity]
    return np.where(hit, rng.integers(0, 2, x.shape), x)


def speckle_noise(x, severity, rng):
    """Noise in proportion to the ink."""
    return x * (1 + (0.1, 0.2, 0.3, 0.4, 0.5)[severity] * rng.normal(size=x.shape))


def defocus_blur(x, severity, rng):
    """Out of focus."""
    return _smooth(x, (0.4, 0.55, 0.7, 0.85, 1.0)[severity])


def motion_blur(x, severity, rng):
    """The camera moved sideways."""
    length = (1.5, 2, 2.5, 3, 4)[severity]
    weights = np.clip(length - np.arange(5), 0, 1)
    return sum(w * _shifted(x, step) for step, w in enumerate(weights)) / weights.sum()


def zoom_blur(x, severity, rng):
    """The lens moved: the picture on enlarged ones."""
    factors = np.linspace(1, (1.1, 1.2, 1.3, 1.45, 1.6)[severity], 4)
    return np.mean([_warped(x, np.eye(2) / factor) for factor in factors], 0)


def brightness(x, severity, rng):
    """Too much light on paper and ink."""
    return x + (0.1, 0.2, 0.3, 0.45, 0.6)[severity]


def darkness(x, severity, rng):
    """Too little light."""
    return x * (0.8, 0.65, 0.5, 0.4, 0.3)[severity]


def contrast(x, severity, rng):
    """All nearer to the mean of the picture."""
    mean = x.mean((1, 2, 3), keepdims=True)
    return mean + (0.8, 0.65, 0.5, 0.4, 0.3)[severity] * (x - mean)


def fog(x, severity, rng):
    """A veil, here thicker and there thinner, over a fainter picture."""
    amount = (0.1, 0.2, 0.3, 0.4, 0.5)[severity]
    veil = _smooth(rng.random(x.shape), 2.0)
    veil = (veil - veil.min((1, 2), keepdims=True)) / np.ptp(veil, (1, 2), keepdims=True)
    return (1 - amount) * x + amount * (0.5 + veil)


def pixelate(x, severity, rng):
    """As if seen by a camera of half as many pixels a side, more and more."""
    rows, height, width, _ = x.shape
    blocks = x.reshape(rows, height // 2, 2, width // 2, 2, 1).mean((2, 4), keepdims=True)
    coarse = np.broadcast_to(blocks, (rows, height // 2, 2, width // 2, 2, 1)).reshape(x.shape)
    return x + (0.4, 0.55, 0.7, 0.85, 1.0)[severity] * (coarse - x)


def occlusion(x, severity, rng):
    """A finger before a part of the lens: a grey square somewhere."""
    size = (1, 1, 2, 2, 3)[severity]
    grey = (0.5, 1.0, 0.6, 0.8, 0.8)[severity]
    top, left = (rng.integers(0, x.shape[1] - size + 1, (len(x), 1, 1, 1)) for _ in range(2))
    rows, columns = np.arange(x.shape[1])[:, None, None], np.arange(x.shape[2])[None, :, None]
    inside = (rows >= top) & (rows < top + size) & (columns >= left) & (columns < left + size)
    return np.where(inside, grey, x)


def rotation(x, severity, rng):
    """The paper lay askew, to the one side or the other."""
    angle = np.deg2rad((6, 12, 18, 24, 30)[severity])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    side = rng.random((len(x), 1, 1, 1)) < 0.5
    return np.where(side, _warped(x, turn), _warped(x, turn.T))


def elastic(x, severity, rng):
    """Paper that is not flat."""
    strength = (0.1, 0.2, 0.3, 0.35, 0.4)[severity]
    moved = [_smooth(rng.normal(size=x.shape), 1.5)[..., 0] for _ in range(2)]
    moved = [strength * each / each.std((1, 2), keepdims=True) for each in moved]
    grid = np.indices(x.shape[:3], float)
    places = np.stack([grid[0], grid[1] + moved[0], grid[2] + moved[1]])
    return ndimage.map_coordinates(x[..., 0], places, order=1)[..., None]


CORRUPTIONS = {
    each.__name__: each
    for each in (
        *(gaussian_noise, shot_noise, impulse_noise, speckle_noise, defocus_blur, motion_blur, zoom_blur),
        *(brightness, darkness, contrast, fog, pixelate, occlusion, rotation, elastic),
    )
}


def corrupted(images, name, severity, seed=0):
    """The images under one corruption, float32.

    Args:
        images: (rows, height, width, 1), from 0 to 1.
        name: of `CORRUPTIONS`.
        severity: of `SEVERITIES`.
        seed: of what is drawn.
    """
    rng = np.random.default_rng([seed, list(CORRUPTIONS).index(name), severity])
    spoilt = CORRUPTIONS[name](np.asarray(images, np.float64), severity - 1, rng)
    return np.clip(spoilt, 0, 2).astype(np.float32)


def _smooth(x, sigma):
    return ndimage.gaussian_filter(x, (0, sigma, sigma, 0), mode="nearest")


def _shifted(x, step):
    return ndimage.shift(x, (0, 0, step, 0), order=1)


def _warped(x, matrix):
    """Each picture at `matrix` times its places, about its middle."""
    full = np.eye(4)
    full[1:3, 1:3] = matrix
    middle = (np.array(x.shape) - 1) / 2
    return ndimage.affine_transform(x, full, middle - full @ middle, order=1)

"""What layers share that mix each image with another one of its batch, and what belongs to the one with what belongs to the other."""

from typing import Any

import jax
import jax.numpy as jnp

from phasewise.core import padding
from phasewise.core.types import Array, Nest, Shape
from phasewise.kernels.images.mixing import partners
from phasewise.kernels.moments import wide
from phasewise.layers.augmentation.random_image import RandomImageLayer


class MixingRows(RandomImageLayer):
    """Subclass it as `RandomImageLayer`. A transformation holds "permutation_order" (batch,), the partner of each image, and
    "mix_weight", one number for each image: what is left of the image itself in the mixture.

    The rows that fill up a batch are no one's partners.
    """

    mixes_rows = True

    def draw_partners(self, data: Nest, seed: Any = None) -> Array:
        """A partner for each image of a batch, int32 (batch,): a permutation drawn at random."""
        images = data["images"] if isinstance(data, dict) else data
        batch = self.sizes(images)[0]
        keys = self.draw_bits((batch,), self.seed if seed is None else seed)
        real = padding.mask_for(images) if jnp.ndim(images) == 4 else None
        return partners(keys, None if real is None else real.reshape(-1))

    def transform_labels(self, labels: Nest, transformation: Any, training: bool = True) -> Nest:
        """The labels, mixed by the weights of their images; float32 where they are whole numbers.

        Raises:
            ValueError: they are whole numbers and not one-hot, so that a mixture would be of numbers of classes.
        """
        if not training or transformation is None:
            return labels
        return jax.tree.map(lambda each: self._mixed_labels(jnp.asarray(each), transformation), labels)

    def _mixed_labels(self, labels, transformation):
        if labels.dtype.kind not in "fV" and (labels.ndim == 1 or labels.shape[-1] == 1):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} mixes labels, which numbers of classes cannot be: got labels of shape "
                f"{labels.shape} and dtype {labels.dtype}. Write them one-hot, (batch, classes), or as floats where they are "
                "numbers to be mixed."
            )
        return mixture(labels, transformation)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape


def mixture(arrays: Array, transformation: Any) -> Array:
    """weight * x + (1 - weight) * the partner's, in float32 or wider, returned in the dtype of `arrays` where that is floating."""
    weight = jnp.asarray(transformation["mix_weight"]).reshape((-1,) + (1,) * (arrays.ndim - 1))
    values = wide(arrays) if jnp.issubdtype(arrays.dtype, jnp.floating) else arrays.astype(jnp.float32)
    mixed = weight * values + (1 - weight) * jnp.take(values, transformation["permutation_order"], axis=0)
    return mixed.astype(arrays.dtype if jnp.issubdtype(arrays.dtype, jnp.floating) else jnp.float32)

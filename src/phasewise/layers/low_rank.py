"""Low-rank adaptation: a weight stays as it is, and the product of two small ones, which are trained, is added to it."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from phasewise import initializers
from phasewise.core.arguments import check_count, check_number
from phasewise.core.types import Array, Config, Named
from phasewise.core.variable import Variable


class LowRank:
    """A layer whose weight `adapted_weight`, W, may be used as `W + lora_alpha / lora_rank * A @ B` (Hu et al. 2022)."""

    adapted_weight = "kernel"
    lora_enabled = False
    lora_a = lora_b = None

    def _set_low_rank(self, rank, alpha):
        self.lora_rank = None if rank is None else check_count(type(self).__name__, "lora_rank", rank)
        alpha = rank if alpha is None else alpha
        self.lora_alpha = None if alpha is None else check_number(type(self).__name__, "lora_alpha", alpha)

    def _build_low_rank(self):
        self.lora_enabled = False
        if self.lora_rank is not None:
            self._add_low_rank("he_uniform", "zeros")

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Named = "he_uniform",
        b_initializer: Named = "zeros",
    ) -> None:
        """Freeze the weight, and train two weights of this rank beside it: A, its last axis `rank`, and B, (rank, last axis).

        Args:
            rank: positive int.
            lora_alpha: number by which their product is multiplied, after a division by the rank; `rank` by default.
            a_initializer, b_initializer: initializers. With zeros for one of them the layer begins as it was.

        Raises:
            ValueError: the layer is not built, has a constraint on the weight, or was adapted before.
        """
        said = f"{type(self).__name__} {self.name!r} cannot be adapted by lora"
        if not self.built:
            raise ValueError(f"{said} yet: it has no weights before it is called or built.")
        if self.lora_enabled:
            raise ValueError(f"{said} again: it is already, with rank {self.lora_rank}.")
        self._set_low_rank(rank, lora_alpha)
        self._add_low_rank(a_initializer, b_initializer)

    def _add_low_rank(self, a_initializer, b_initializer):
        name = self.adapted_weight
        weight, regularizer = getattr(self, name), getattr(self, f"{name}_regularizer")
        if getattr(self, f"{name}_constraint") is not None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} cannot be adapted by lora: its {name} has a constraint, which the sum with the "
                f"product would not obey. Leave out {name}_constraint."
            )
        shapes = {"a": (*weight.shape[:-1], self.lora_rank), "b": (self.lora_rank, weight.shape[-1])}
        made = {
            each: self.add_weight(
                shape,
                initializers.get({"a": a_initializer, "b": b_initializer}[each]),
                dtype="float32",
                regularizer=regularizer,
                name=f"lora_{name}_{each}",
            )
            for each, shape in shapes.items()
        }
        self.lora_a, self.lora_b = made["a"], made["b"]
        weight.trainable, self.lora_enabled = False, True

    def adapted(self) -> Array:
        """The weight that the layer computes with, in its compute dtype."""
        weight = getattr(self, self.adapted_weight)
        if not self.lora_enabled:
            return weight.value
        product = jnp.matmul(self.lora_a.raw, self.lora_b.raw) * (self.lora_alpha / self.lora_rank)
        return (weight.raw + product).astype(self.compute_dtype)

    def variables_on_file(self) -> list[Variable]:
        """Without A and B: as in Keras, a file has the sum."""
        return [v for v in super().variables_on_file() if v is not self.lora_a and v is not self.lora_b]

    def value_on_file(self, variable: Variable) -> np.ndarray:
        """The weight with what was learnt beside it."""
        if self.lora_enabled and variable is getattr(self, self.adapted_weight):
            product = np.matmul(self.lora_a.numpy(), self.lora_b.numpy()) * (self.lora_alpha / self.lora_rank)
            return (variable.numpy() + product).astype(variable.numpy().dtype)
        return super().value_on_file(variable)

    def note_loaded(self) -> None:
        """The product is zero: a file has it in the weight. (Keras sets A to zero too, from where neither can learn.)"""
        if self.lora_enabled:
            self.lora_b.assign(np.zeros(self.lora_b.shape, self.lora_b.dtype))

    def _refuse_quantization(self, **given: Any):
        for name, value in given.items():
            if value is not None:
                raise ValueError(
                    f"{type(self).__name__} takes {name}=None only: there are no quantized layers here; got {value!r}. A dtype policy "
                    "such as 'mixed_bfloat16' makes a layer smaller and faster."
                )

    def get_config(self) -> Config:
        """As of the layer; `lora_rank` and `lora_alpha` where they are used."""
        used = {} if self.lora_rank is None else {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha}
        return {**super().get_config(), **used}

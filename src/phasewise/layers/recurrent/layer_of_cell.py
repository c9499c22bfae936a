"""What `SimpleRNN`, `LSTM` and `GRU` have in common: a cell that is made of the layer's own arguments."""

from typing import Any, Self

from phasewise.core import registry
from phasewise.core.types import Config
from phasewise.layers.recurrent.normalizing import NORMALIZATION
from phasewise.layers.recurrent.rnn import RNN


class LayerOfCell(RNN):
    """An `RNN` whose cell is made of the layer's own arguments, which it shows as its own: reading or setting one reads or sets
    the cell's."""

    cell_arguments: tuple[str, ...] = ()

    def __init__(self, cell: Any, **kwargs: Any):
        super().__init__(cell, **kwargs)
        cell.terms_name = self.name  # the cells of all layers of a class have one name

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        for name in (*vars(cls).get("cell_arguments", ()), *NORMALIZATION):
            setattr(cls, name, property(_read(name), doc=f"The cell's `{name}`."))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.cell_arguments or name in NORMALIZATION:
            setattr(self.cell, name, value)
        else:
            super().__setattr__(name, value)

    def get_config(self) -> Config:
        """Every argument."""
        config, of_cell = super().get_config(), self.cell.get_config()
        del config["cell"]
        return {
            **config,
            **{name: of_cell[name] for name in (*self.cell_arguments, *NORMALIZATION) if name in of_cell},
            "activity_regularizer": registry.serialize(self.activity_regularizer),
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer from what `get_config` returned."""
        return cls(**config)


def _read(name):
    def of_cell(self) -> Any:
        return getattr(self.cell, name)

    return of_cell


def check_cudnn(owner: str, use_cudnn: bool | str) -> bool | str:
    """`use_cudnn` when it is "auto" or False.

    Raises:
        ValueError: it is True: there is no cuDNN path; or something else.
    """
    if use_cudnn is True:
        raise ValueError(
            f"{owner} was given use_cudnn=True, and no cuDNN is used here: XLA compiles the loop. Leave it 'auto', or False."
        )
    return registry.one_of(owner, "use_cudnn", use_cudnn, ("auto", False))

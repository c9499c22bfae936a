"""What `make bench` measures: every case with its bar, by what grows: size, depth, number."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    """A script in `cases/` with its arguments, what it measures, and the bar.

    Args:
        group: "small", "wide", "deep", "networks" or "repeated"; the table has them in this order.
        command: the script's name and what follows the library on its command line.
        title: what a reader of the table sees.
        unit: "s", "MiB", "×" for a ratio, or "" for a plain number.
        rounds: fresh processes of each library.
        least_ratio: the bar in terms of the peer, peer / ours; 1 / 1.1 allows us 10 % more.
        most: the bar in terms of the unit.
        whole_process: time the process from outside instead of reading its value.
        second_run: run ours twice with one compilation cache, and measure the second.
        has_peer: whether the peer can do the same.
    """

    group: str
    command: str
    title: str
    unit: str
    rounds: int = 5
    least_ratio: float | None = None
    most: float | None = None
    whole_process: bool = False
    second_run: bool = False
    has_peer: bool = True

    @property
    def script(self):
        """The script's name, without `.py`."""
        return self.command.split()[0]

    @property
    def arguments(self):
        """What follows the library on the command line."""
        return self.command.split()[1:]

    @property
    def name(self):
        """What `--only` and the JSON call it."""
        return "_".join([self.script, *self.arguments, *(["second_run"] if self.second_run else [])])


CASES = [
    Case("small", "seed_fit", "seed model, a training step", "s", least_ratio=15, most=40e-6),
    Case("small", "callbacks_cost", "seed model, four callbacks over none, an epoch", "×", most=1.15, has_peer=False),
    Case("small", "seed_script", "seed script, whole process", "s", least_ratio=2, whole_process=True),
    Case("small", "seed_script", "seed script, second run", "s", most=0.9, whole_process=True, second_run=True),
    Case("small", "mlp_fit", "MLP 3 x 256, BN, dropout, batch 64, a training step", "s", least_ratio=1.3),
    Case("small", "import_time", "import, over import jax", "s", most=0.3),
    Case("small", "run_overhead", "phasewise run, over the imports", "s", most=0.05, has_peer=False),
    Case("small", "latency predict small", "predict one row, 3 layers", "s", least_ratio=3, most=0.25e-3),
    Case("small", "latency call small", "model(x), one row, 3 layers", "s", most=0.15e-3),
    Case("small", "latency train_on_batch small", "train_on_batch of 32, 3 layers", "s", most=0.5e-3),
    Case("small", "normalization_error", "BN at mean 1e4: largest error", "", rounds=1, most=1e-5),
    Case(
        "small",
        "nonfinite_check",
        "step with the look for NaN, over one without",
        "×",
        rounds=3,
        most=1.03,
        has_peer=False,
    ),
    Case(
        "small",
        "normalization_over_plain batch",
        "BN forward and backward, over two lines of plain JAX",
        "×",
        rounds=3,
        most=1.05,
        has_peer=False,
    ),
    Case(
        "small",
        "normalization_over_plain layer",
        "layer normalization forward and backward, over two lines of plain JAX",
        "×",
        rounds=3,
        most=1.05,
        has_peer=False,
    ),
    Case("small", "max_pooling", "max pooling of 64 feature maps, forward and backward", "s", rounds=3, least_ratio=5),
    Case("small", "changed_bits", "predictions of 256 that change bits with the batch size", "", rounds=1, most=0),
    Case(
        "small",
        "folded_digits",
        "predict of 1797 digits, folded over as trained",
        "×",
        rounds=3,
        most=1.0,
        has_peer=False,
    ),
    Case("wide", "wide_fit seconds", "MLP of 20 M weights, a training step", "s", rounds=3, least_ratio=1.3),
    Case(
        "wide",
        "wide_fit memory",
        "MLP of 20 M weights, peak memory over the start",
        "MiB",
        rounds=3,
        least_ratio=1 / 1.1,
    ),
    Case(
        "wide",
        "wide_over_plain",
        "MLP of 20 M weights, a step over one of plain JAX, fused and donated",
        "×",
        rounds=3,
        most=1.2,
        has_peer=False,
    ),
    Case("deep", "latency predict deep", "predict one row, 300 layers", "s", most=1.5e-3),
    Case("deep", "latency call deep", "model(x), one row, 300 layers", "s", rounds=3, most=1e-3),
    Case("deep", "explain", "explain() of 300 layers, the first in the process", "s", most=0.3, has_peer=False),
    Case("deep", "first_epoch 64", "first epoch, 300 layers, 64 wide", "s", rounds=3, least_ratio=1.25),
    Case("deep", "first_epoch 8", "first epoch, 300 layers, 8 wide", "s", rounds=3, least_ratio=1.25),
    Case(
        "networks",
        "network_fit resnet20 step",
        "ResNet-20, 32x32x3, batch 64, a training step",
        "s",
        rounds=3,
        least_ratio=1,
    ),
    Case(
        "networks", "network_fit resnet20 first", "ResNet-20, from fit to the first step", "s", rounds=3, least_ratio=1
    ),
    Case(
        "networks",
        "network_fit lstm step",
        "LSTM 2 x 64, 50 steps, batch 64, BN behind each, a training step",
        "s",
        rounds=3,
        least_ratio=1.5,
    ),
    Case("networks", "network_fit lstm first", "the same, from fit to the first step", "s", rounds=3, least_ratio=1),
    Case(
        "networks",
        "recurrent_normalization",
        "LSTM 2 x 64 with BN inside, over the same without it",
        "×",
        rounds=3,
        most=1.6,
        has_peer=False,
    ),
    Case(
        "networks",
        "network_fit transformer step",
        "transformer, 2 blocks, 64 x 64, batch 64, a training step",
        "s",
        rounds=3,
        least_ratio=1.5,
    ),
    Case(
        "networks",
        "network_fit residual_1d step",
        "1-D residual CNN, 128 x 64, batch 64, a training step",
        "s",
        rounds=3,
        least_ratio=1,
    ),
    Case("networks", "open_file seconds", "load_model of ResNet-50's file", "s", rounds=3, least_ratio=1),
    Case("networks", "open_file memory", "the same, peak memory over the weights", "×", rounds=1, most=1.3),
    Case(
        "repeated",
        "repeated_fits seconds",
        "20 fits on data of 20 sizes, a fit after the first two",
        "s",
        rounds=3,
        most=0.05,
    ),
    Case("repeated", "repeated_fits programs", "20 fits on data of 20 sizes, programs compiled", "", rounds=1, most=2),
    Case(
        "repeated",
        "repeated_calls programs",
        "predict, evaluate, model(x) of 200 sizes, programs compiled",
        "",
        rounds=1,
        most=8,
    ),
    Case(
        "repeated",
        "repeated_calls memory",
        "predict, evaluate, model(x) of 200 sizes, memory grown after 20",
        "MiB",
        rounds=1,
        most=20,
    ),
]

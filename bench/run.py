"""Side by side with Keras on JAX: `python bench/run.py --peer-python .bench-venv/bin/python`.

Every measurement is a fresh process. The two libraries take turns on the same machine, and the table shows medians.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Case:
    """A script in `cases/`, what it measures, the unit, and the bar: the least ratio to the peer, the most of ours."""

    script: str
    title: str
    unit: str
    rounds: int = 5
    least_ratio: float | None = None
    most: float | None = None
    whole_process: bool = False
    has_peer: bool = True


CASES = [
    Case("seed_fit", "seed model, a training step", "s", least_ratio=15, most=40e-6),
    Case("seed_script", "seed script, whole process", "s", least_ratio=2, whole_process=True),
    Case("mlp_fit", "MLP 3 x 256, BN, dropout, batch 64, a training step", "s", least_ratio=1.3),
    Case("import_time", "import, over import jax", "s", most=0.3),
    Case("predict_latency", "predict one row", "s"),
    Case("normalization_error", "BN at mean 1e4: largest error", "", rounds=1, most=1e-5),
    Case("nonfinite_check", "step with the look for NaN, over one without", "×", rounds=3, most=1.03, has_peer=False),
    Case("changed_bits", "predictions of 256 that change bits with the batch size", "", rounds=1, most=0),
]


def main():
    """Run all cases, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", help="the Python of an environment that has Keras and JAX")
    parser.add_argument("--out", default=HERE / "results.json", type=pathlib.Path)
    parser.add_argument("--only", help="the name of one case")
    given = parser.parse_args()
    rows = []
    for case in CASES:
        if given.only in (None, case.script):
            rows.append(measure(case, given.peer_python))
            print(f"measured: {case.title}", file=sys.stderr, flush=True)
    print(table(rows))
    given.out.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=2) + "\n")
    print(f"\nwritten to {given.out}")
    sys.exit(any(row["verdict"] == "missed" for row in rows))


def measure(case, peer_python):
    """Alternate the libraries; the medians and their ratio as a dict."""
    ours, theirs = [], []
    for _ in range(case.rounds):
        ours.append(once(case, sys.executable, "phasewise"))
        if peer_python and case.has_peer:
            theirs.append(once(case, peer_python, "keras"))
    mine, peer = statistics.median(ours), statistics.median(theirs) if theirs else None
    ratio = peer / mine if peer is not None and mine else None
    kept = (case.most is None or mine <= case.most) and (
        case.least_ratio is None or ratio is None or ratio >= case.least_ratio
    )
    has_bar = case.most is not None or (case.least_ratio is not None and ratio is not None)
    return {
        "case": case.script,
        "title": case.title,
        "unit": case.unit,
        "phasewise": mine,
        "keras_jax": peer,
        "ratio": ratio,
        "bar": bar_of(case),
        "verdict": ("kept" if kept else "missed") if has_bar else "",
        "all": {"phasewise": ours, "keras_jax": theirs},
    }


def once(case, python, library):
    """One measurement in a process of its own."""
    command = [python, str(HERE / "cases" / f"{case.script}.py"), library]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return seconds if case.whole_process else json.loads(done.stdout.splitlines()[-1])["value"]


def bar_of(case):
    """The bar in words."""
    parts = []
    if case.most is not None:
        parts.append(f"≤ {shown(case.most, case.unit)}")
    if case.least_ratio is not None:
        parts.append(f"≥ {case.least_ratio:g}×")
    return ", ".join(parts)


def shown(value, unit):
    """A number with its unit."""
    if value is None:
        return "-"
    if unit == "×":
        return f"{value:.3f}×"
    if unit != "s":
        return f"{value:.3g}"
    for limit, factor, name in ((1e-3, 1e6, "µs"), (1, 1e3, "ms")):
        if value < limit:
            return f"{value * factor:.3g} {name}"
    return f"{value:.3g} s"


def table(rows):
    """The rows as a Markdown table."""
    lines = ["| | phasewise | Keras on JAX | ratio | bar |", "|---|---|---|---|---|"]
    for row in rows:
        ratio = f"{row['ratio']:.3g}×" if row["ratio"] else "-"
        bar = f"{row['bar']}: {row['verdict']}" if row["verdict"] else "-"
        lines.append(
            f"| {row['title']} | {shown(row['phasewise'], row['unit'])} | {shown(row['keras_jax'], row['unit'])} "
            f"| {ratio} | {bar} |"
        )
    return "\n".join(lines)


def machine():
    """What the numbers were measured on."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()

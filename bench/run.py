"""Side by side with Keras on JAX: `python bench/run.py --peer-python .bench-venv/bin/python`.

Every measurement is a fresh process. The two libraries take turns on the same machine, and the table shows medians.
No process finds a compilation cache, except the second run of a case whose subject is the second run.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

from catalog import CASES

HERE = pathlib.Path(__file__).parent


def main():
    """Run the cases, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", help="the Python of an environment that has Keras and JAX")
    parser.add_argument("--out", default=HERE / "results.json", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="groups, scripts or names of single cases")
    given = parser.parse_args()
    rows = []
    for case in chosen(given.only, parser):
        rows.append(measure(case, given.peer_python))
        print(f"measured: {case.title}", file=sys.stderr, flush=True)
    print(table(rows))
    given.out.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=2) + "\n")
    print(f"\nwritten to {given.out}")
    sys.exit(any(row["verdict"] == "missed" for row in rows))


def chosen(only, parser):
    """The cases that `--only` names, in the order of the catalog; all without it."""
    if only is None:
        return CASES
    known = {word for case in CASES for word in labels(case)}
    if strangers := [word for word in only if word not in known]:
        parser.error(f"--only: no {', '.join(strangers)} among {', '.join(sorted(known))}")
    return [case for case in CASES if labels(case) & set(only)]


def labels(case):
    """What `--only` may call a case."""
    return {case.group, case.script, case.name}


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
        "case": case.name,
        "group": case.group,
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
    if not (case.second_run and library == "phasewise"):
        return run(case, python, library, cache="off")
    with tempfile.TemporaryDirectory() as folder:
        run(case, python, library, cache=folder)
        return run(case, python, library, cache=folder)


def run(case, python, library, cache):
    """The value of one process, which keeps compiled programs in the folder `cache`, or nowhere for "off"."""
    command = [python, str(HERE / "cases" / f"{case.script}.py"), library, *case.arguments]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PHASEWISE_CACHE": cache}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    environment.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # source that is compiled anew each time would be measured as import
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
        parts.append(f"≥ {case.least_ratio:.3g}×")
    return ", ".join(parts)


def shown(value, unit):
    """A number with its unit."""
    if value is None:
        return "-"
    if unit == "×":
        return f"{value:.3f}×"
    if unit == "MiB":
        return f"{value:,.0f} MiB"
    if unit != "s":
        return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
    for limit, factor, name in ((1e-3, 1e6, "µs"), (1, 1e3, "ms")):
        if value < limit:
            return f"{value * factor:.3g} {name}"
    return f"{value:.3g} s"


def table(rows):
    """The rows as a Markdown table, each group under its name."""
    lines = ["| | phasewise | Keras on JAX | ratio | bar |", "|---|---|---|---|---|"]
    group = None
    for row in rows:
        if row["group"] != group:
            group = row["group"]
            lines.append(f"| **{group}** | | | | |")
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

"""Side by side with its peers: `python bench/run.py --python jax=.bench-venv/bin/python torch=... tensorflow=... onednn=...`.

Every measurement is a fresh process. The libraries take turns on the same machine, and the table shows medians. The ratio is that
of the fastest peer. A peer that is not there, or fails, is told and left out. No process finds a compilation cache, except the second run of a case whose subject is the second run.
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
from peers import PEERS, found
from table import bar_of, table

HERE = pathlib.Path(__file__).parent


class CaseFailed(Exception):
    """A process ended with an error; the message has its last words."""


def main():
    """Run the cases, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--python",
        nargs="+",
        default=[],
        metavar="NAME=PATH",
        help=f"the Pythons of the peers' environments: {', '.join(sorted({peer.environment for peer in PEERS.values()}))}",
    )
    parser.add_argument("--out", default=HERE / "results.json", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="groups, scripts or names of single cases")
    given = parser.parse_args()
    pythons = pythons_given(given.python, parser)
    cases = chosen(given.only, parser)
    names, missing = found(pythons, [name for name in PEERS if any(name in case.peers for case in cases)])
    print("\n".join(missing), file=sys.stderr, flush=True)
    rows = []
    for case in cases:
        rows.append(measure(case, {name: pythons[PEERS[name].environment] for name in names if name in case.peers}))
        print(f"measured: {case.title}", file=sys.stderr, flush=True)
    print("\n".join([table(rows), *missing]))
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


def pythons_given(words, parser):
    """What `--python` names, as a dict."""
    if odd := [word for word in words if "=" not in word]:
        parser.error(f"--python takes NAME=PATH, not {', '.join(odd)}")
    return dict(word.split("=", 1) for word in words)


def measure(case, pythons):
    """Alternate the libraries; the medians, and the ratio to the fastest peer, as a dict.

    Args:
        case: a `Case`.
        pythons: dict from the name of a peer to its Python.
    """
    values = {name: [] for name in ("phasewise", *pythons)}
    own = (case.whole_process and pythons.get("keras")) or sys.executable
    for _ in range(case.rounds):
        values["phasewise"].append(once(case, own))
        for name in pythons:
            values[name].append(of_peer(case, name, pythons[name]))
    medians = {name: statistics.median(found) for name, found in values.items() if None not in found}
    mine = medians.pop("phasewise")
    fastest = min(medians, key=medians.get, default=None)
    ratio = medians[fastest] / mine if fastest and mine else None
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
        "peers": {name: medians.get(name) for name in pythons},
        "fastest": fastest,
        "ratio": ratio,
        "bar": bar_of(case),
        "verdict": ("kept" if kept else "missed") if has_bar else "",
        "all": values,
    }


def once(case, python):
    """One measurement of ours in a process of its own.

    Whole processes run in the environment of the peer: JAX takes longer to import where packages are installed that it looks for.
    """
    if not case.second_run:
        return run(case, python, "phasewise", cache="off")
    with tempfile.TemporaryDirectory() as folder:
        run(case, python, "phasewise", cache=folder)
        return run(case, python, "phasewise", cache=folder)


def of_peer(case, name, python):
    """One measurement of a peer; None, told, if it failed."""
    try:
        return run(case, python, name, cache="off")
    except CaseFailed as failure:
        print(f"{PEERS[name].title} is left out of {case.title!r}: {failure}", file=sys.stderr, flush=True)
        return None


def run(case, python, library, cache):
    """The value of one process, which keeps compiled programs in the folder `cache`, or nowhere for "off"."""
    script = f"{PEERS[library].scripts if library in PEERS else ''}{case.script}.py"
    command = [python, str(HERE / "cases" / script), library, *case.arguments]
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "PHASEWISE_CACHE": cache,
        "PYTHONPATH": str(HERE.parent / "src"),
    }
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    environment.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # source that is compiled anew each time would be measured as import
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise CaseFailed(f"{' '.join(command)} failed:\n{done.stderr}")
    return seconds if case.whole_process else json.loads(done.stdout.splitlines()[-1])["value"]


def machine():
    """What the numbers were measured on."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()

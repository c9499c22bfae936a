"""What the cases are measured against, and where it is found."""

import dataclasses
import os
import subprocess


@dataclasses.dataclass(frozen=True)
class Peer:
    """A library that does what a case measures.

    Args:
        title: what a reader of the table sees.
        environment: what `--python` calls the environment that has it.
        module: what that environment must be able to import; none for oneDNN, which is no Python package.
        scripts: what its scripts are called: this and the name of ours.
    """

    title: str
    environment: str
    module: str | None = None
    scripts: str = ""


PEERS = {
    "keras": Peer("Keras on JAX", "jax", "keras"),
    "keras_tensorflow": Peer("Keras on TensorFlow", "tensorflow", "tensorflow"),
    "pytorch": Peer("PyTorch", "torch", "torch", "pytorch_"),
    "pytorch_compiled": Peer("torch.compile", "torch", "torch", "pytorch_"),
    "onednn": Peer("oneDNN alone", "onednn", None, "onednn_"),
}


def found(pythons, names):
    """Of the peers called `names`, those whose environment is there and works, and a sentence for each other one.

    Args:
        pythons: dict from environment to its Python.
        names: keys of `PEERS`.
    """
    there, missing = [], []
    for name in names:
        if reason := _why_not(PEERS[name], pythons):
            missing.append(f"{PEERS[name].title} is left out: {reason}")
        else:
            there.append(name)
    return there, missing


def _why_not(peer, pythons):
    """Why a peer cannot be measured; None if it can."""
    python = pythons.get(peer.environment)
    if python is None:
        return f"no --python {peer.environment}=... was given."
    if not os.access(python, os.X_OK):
        return f"there is no {python}."
    if not os.path.exists(os.path.join(os.path.dirname(python), "..", "ready")):
        return f"the environment of {python} was not finished; `make bench` tries again."
    environment = {**os.environ, "KERAS_BACKEND": peer.environment}
    command = [python, "-c", f"import {peer.module}"]
    if peer.module and subprocess.run(command, capture_output=True, env=environment, check=False).returncode:
        return f"{python} cannot import {peer.module}."
    return None

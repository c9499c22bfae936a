"""`network_fit.py` in PyTorch: `pytorch_network_fit.py pytorch|pytorch_compiled NETWORK step [bfloat16]`.

A plain loop as its tutorials have it, with the accuracy that `fit` reports too. PyTorch is given what suits it best: the fused
Adam, and of the two layouts of images the one in which it is faster here.
"""

import contextlib
import json
import statistics
import time

import pytorch_networks
import torch
from libraries import arguments_given, name_given
from network_sizes import BATCHES, STEPS


def trained(network, layout, compiled, dtype):
    """A function of one step, on the batches of one array in turn."""
    batch, steps = BATCHES[network], STEPS[network]
    model = getattr(pytorch_networks, network)().to(memory_format=layout)
    x = pytorch_networks.inputs_of(network, batch * steps)
    x = x.contiguous(memory_format=layout) if x.ndim == 4 else x
    y = torch.randint(0, 10, (len(x),))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)
    called = torch.compile(model) if compiled else model
    right = torch.zeros(())

    def step(number):
        rows = slice(number % steps * batch, (number % steps + 1) * batch)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16) if dtype == "bfloat16" else contextlib.nullcontext():
            logits = called(x[rows])
        loss = torch.nn.functional.cross_entropy(logits.float(), y[rows])
        loss.backward()
        optimizer.step()
        right.add_((logits.argmax(1) == y[rows]).sum())

    return step


def median_step(step, most=12.0, least=5):
    """The median of a step's seconds: as many as fit into `most` seconds, after three that do not count."""
    seconds = []
    for number in range(3):
        step(number)
    ends = time.perf_counter() + most
    while len(seconds) < least or (time.perf_counter() < ends and len(seconds) < 60):
        begun = time.perf_counter()
        step(len(seconds))
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def main():
    """Print the better of the two layouts."""
    network, _, *dtype = arguments_given()
    compiled = name_given() == "pytorch_compiled"
    layouts = [torch.contiguous_format] + ([] if network == "residual_1d" else [torch.channels_last])
    found = {}
    for layout in layouts:
        torch.manual_seed(0)
        step = trained(network, layout, compiled, dtype[0] if dtype else "float32")
        found[str(layout)] = median_step(step)
    print(json.dumps({"value": min(found.values()), "layouts": found}))


main()

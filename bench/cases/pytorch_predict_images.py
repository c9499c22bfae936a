"""`predict_images.py` in PyTorch: inference mode, the better of two layouts and two batch sizes."""

import itertools
import json

import pytorch_networks
import torch
from libraries import name_given
from timing import median_seconds


def predicted(model, x, batch):
    """The probabilities of all images."""
    with torch.inference_mode():
        return torch.cat([model(rows).softmax(1) for rows in x.split(batch)]).numpy()


def seconds(layout, batch):
    """The median time of three rounds over 10,000 images."""
    model = pytorch_networks.resnet20().eval().to(memory_format=layout)
    called = torch.compile(model) if name_given() == "pytorch_compiled" else model
    x = torch.randn(10_000, 3, 32, 32).contiguous(memory_format=layout)
    predicted(called, x[: 4 * batch], batch)
    predicted(called, x[-(10_000 % batch or batch) :], batch)
    return median_seconds(lambda: predicted(called, x, batch), times=3, before=0)


found = {
    f"{layout}, {batch}": seconds(layout, batch)
    for layout, batch in itertools.product((torch.contiguous_format, torch.channels_last), (32, 256))
}
print(json.dumps({"value": min(found.values()), "found": found}))

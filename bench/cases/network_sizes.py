"""Rows of a batch, and batches of an epoch, of the networks that several libraries train."""

BATCHES = {"resnet20": 64, "lstm": 64, "transformer": 64, "residual_1d": 64, "resnet50_at_96": 16, "mobilenet": 16}
STEPS = {"resnet20": 5, "lstm": 20, "transformer": 20, "residual_1d": 10, "resnet50_at_96": 2, "mobilenet": 5}

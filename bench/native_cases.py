"""What the native kernels are held to: whole networks against every peer, and their parts against the machine."""

from case import Case

ALL = ("keras", "keras_tensorflow", "pytorch", "pytorch_compiled")


def step(network, title, ratio, *dtype):
    """A training step of a network."""
    words = ["network_fit", network, "step", *dtype]
    return Case("native", " ".join(words), f"{title}, a training step", "s", rounds=1, least_ratio=ratio, peers=ALL)


def part(words, title, unit, **bar):
    """A part of a network by itself."""
    return Case("native", words, title, unit, rounds=3, **bar)


NATIVE_CASES = [
    step("resnet20", "ResNet-20, 32x32x3, batch 64", 1.3),
    step("resnet20", "the same in bfloat16", 1.3, "bfloat16"),
    step("resnet50_at_96", "ResNet-50, 96x96x3, batch 16", 1),
    step("mobilenet", "MobileNetV2, 96x96x3, batch 16", 1),
    step("residual_1d", "1-D residual CNN, 128 x 64, batch 64", 1.5),
    step("small_cnn", "two convolutions with BN and pooling, 28x28x1, batch 32", 1.3),
    Case("native", "predict_images", "predict of ResNet-20, 10,000 images", "s", rounds=1, least_ratio=1.3, peers=ALL),
    part("step_convolutions", "the convolutions of a step of ResNet-20", "s", least_ratio=1 / 1.3, peers=("onednn",)),
    part("step_convolutions bfloat16", "the same in bfloat16", "s", least_ratio=1 / 1.3, peers=("onednn",)),
    part("normalized_relu forward", "BN and ReLU of 64x56x56x64, over the passes over memory", "×", most=1.4, peers=()),
    part("normalized_relu both", "the same with its gradients", "×", most=1.4, peers=()),
]

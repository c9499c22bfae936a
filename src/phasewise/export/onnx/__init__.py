"""ONNX, by the converter jax2onnx; what it makes is run by onnxruntime and compared before it is kept."""

from phasewise.export.onnx.writing import write as write

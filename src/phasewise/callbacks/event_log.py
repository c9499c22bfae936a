"""Events for TensorBoard, through the package `tensorboard`; TensorFlow is not needed."""

import os
import struct
import time
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np


class EventLog:
    """One file of events in a folder.

    Args:
        folder: made where it is missing.

    Raises:
        ImportError: tensorboard is not installed.
    """

    def __init__(self, folder: str):
        try:
            from tensorboard.compat.proto import event_pb2, graph_pb2, summary_pb2
            from tensorboard.plugins.histogram.summary_v2 import histogram_pb
            from tensorboard.plugins.scalar.summary_v2 import scalar_pb
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError as error:
            raise ImportError(
                "TensorBoard needs the package tensorboard, which is not installed: pip install phasewise[tensorboard]."
            ) from error
        os.makedirs(folder, exist_ok=True)
        self._writer = EventFileWriter(folder)
        self._event, self._graph_def, self._summary = event_pb2.Event, graph_pb2.GraphDef, summary_pb2.Summary
        self._scalar_pb, self._histogram_pb = scalar_pb, histogram_pb

    def scalar(self, name: str, value: float, step: int) -> None:
        """A number."""
        self._add(step, summary=self._scalar_pb(name, float(value)))

    def histogram(self, name: str, values: np.ndarray, step: int) -> None:
        """How an array's entries are distributed."""
        self._add(step, summary=self._histogram_pb(name, np.asarray(values, np.float64)))

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        """A grey picture, (rows, columns) of numbers in [0, 255]."""
        rows, columns = pixels.shape
        image = self._summary.Image(height=rows, width=columns, colorspace=1, encoded_image_string=_png(pixels))
        self._add(step, summary=self._summary(value=[self._summary.Value(tag=name, image=image)]))

    def graph(self, nodes: Iterable[tuple[str, str, list[str]]]) -> None:
        """A graph, from (name, kind, names of what it is computed from)."""
        graph = self._graph_def()
        for name, kind, inputs in nodes:
            node = graph.node.add()
            node.name, node.op = name, kind
            node.input.extend(inputs)
        self._add(0, graph_def=graph.SerializeToString())

    def flush(self) -> None:
        """What was written can be read."""
        self._writer.flush()

    def close(self) -> None:
        """Nothing more comes."""
        self._writer.close()

    def _add(self, step, **content: Any):
        self._writer.add_event(self._event(wall_time=time.time(), step=int(step), **content))


def _png(pixels):
    rows, columns = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in np.asarray(pixels, np.uint8))
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )

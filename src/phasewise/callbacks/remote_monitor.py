"""The logs of each epoch, sent to a server."""

import json
import urllib.error
import urllib.parse
import urllib.request

import numpy as np

from phasewise.callbacks.callback import Callback, Logs
from phasewise.core.warning import PhasewiseWarning, warn


class RemoteMonitor(Callback):
    """Posts the logs to `root + path` after each epoch: "epoch" and every name in them.

    A server that does not answer is warned of, and training goes on. Unlike Keras's it needs no other package.

    Args:
        root: address of the server.
        path: where on it.
        field: the name of the form's field that holds the JSON, where it is not sent as JSON.
        headers: dict of HTTP headers, or None.
        send_as_json: send the JSON itself, as application/json.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ):
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        content = json.dumps(
            {"epoch": epoch, **{name: np.asarray(value).tolist() for name, value in (logs or {}).items()}}
        )
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        body = content if self.send_as_json else urllib.parse.urlencode({self.field: content})
        request = urllib.request.Request(
            self.root + self.path, body.encode(), {"Content-Type": kind, **(self.headers or {})}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=10):
                pass
        except (urllib.error.URLError, OSError) as error:
            warn(f"RemoteMonitor could not reach {self.root + self.path}: {error}. Training goes on.", PhasewiseWarning)

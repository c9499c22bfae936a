"""Progress as a callback."""

from phasewise.callbacks.callback import Callback, Logs


class ProgbarLogger(Callback):
    """Prints one line an epoch with its logs.

    `fit`, `evaluate` and `predict` show progress themselves, live and at no cost to the loop, so that there this callback adds nothing. It
    is for loops of your own: `CallbackList(callbacks, add_progbar=True, epochs=3, steps=100, verbose=1)`.
    """

    is_shown_by_run = False

    def __init__(self) -> None:
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch
        if self._prints():
            print(f"Epoch {epoch + 1}/{(self.params or {}).get('epochs', '?')}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self._prints():
            self._line((self.params or {}).get("steps"), logs)

    def _prints(self):
        return bool((self.params or {}).get("verbose", 1)) and not self.is_shown_by_run

    def _line(self, steps, logs):
        values = " - ".join(
            f"{name}: {value:.4f}" for name, value in (logs or {}).items() if not hasattr(value, "shape")
        )
        print(" - ".join(part for part in (f"{steps}/{steps}" if steps else "", values) if part))

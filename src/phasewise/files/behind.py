"""Files written while their owner goes on."""

import threading
from types import TracebackType

from phasewise.files.atomic_file import written_whole


class Behind:
    """One thread that writes small files, each whole or not at all, in the order in which they were put.

    Of those that wait only the latest is kept if it is for the same path; else `put` waits, so that memory holds two at most. Used as a
    context: it ends when all is written. An error of the disk is raised at the next `put`, or at the end of the context, where it becomes a
    note of the error, or of the Ctrl-C, that ends it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting = self._error = None
        self._is_writing = False

    def put(self, path: str, content: bytes, note: str) -> None:
        """Write `content` to `path` soon.

        Args:
            note: what an error tells beside itself: who saves.

        Raises:
            OSError: something that was put before could not be written. This is written all the same, where it can be.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is None or self._waiting[0] == path)
            self._waiting = path, content, note
            self._run_where_needed()
            self._raise()

    def finish(self) -> None:
        """Return when all is written.

        Raises:
            OSError: something could not be.
        """
        self._wait()
        self._raise()

    def __enter__(self) -> "Behind":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait()
        if error is None:
            self._raise()
        elif self._error is not None:
            error.add_note(f"And a file was not written: {self._error}")

    def _wait(self):
        with self._changed:
            self._run_where_needed()
            self._changed.wait_for(lambda: self._waiting is None and not self._is_writing)

    def _raise(self):
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run_where_needed(self):
        # A thread ends when nothing waits, so that none is left behind, and the process does not end before it. Wherever Ctrl-C may have
        # struck, a second one does no harm: they take turns.
        if self._waiting is not None and not self._is_writing:
            threading.Thread(target=self._run, name="phasewise-files").start()

    def _run(self):
        while (taken := self._taken()) is not None:
            path, content, note = taken
            try:
                with written_whole(path) as file:
                    file.write(content)
            except Exception as error:
                error.add_note(note)
                self._error = self._error or error
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()

    def _taken(self):
        """The next file to write; None where there is none."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_writing)
            taken, self._waiting = self._waiting, None
            self._is_writing = taken is not None
            self._changed.notify_all()
            return taken

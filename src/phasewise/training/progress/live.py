"""Live displays: a bar in a terminal, a line that rewrites itself in a notebook."""

from phasewise.training.progress.lines import Lines

SECONDS_BETWEEN = 0.1


class Live(Lines):
    """Shows the state at most ten times a second; a subclass says how."""

    _shown = 0.0

    def begin(self, label, steps):
        """Show the name at once: the first time compilation may take a while."""
        first = self._begun is None
        super().begin(label, steps)
        self.show(0, "compiling" if first else "")

    def update(self, step, logs):
        """Show the state, when the last time is long enough ago."""
        super().update(step, logs)
        if self._last - self._shown > SECONDS_BETWEEN:
            self._shown = self._last
            self.show(step, self.status(step, logs))

    def show(self, step, status):
        """Show `status` after `step` steps."""
        raise NotImplementedError


class Terminal(Live):
    """A bar below the finished lines; what the program prints meanwhile appears above it."""

    def __init__(self, stream):
        super().__init__(stream)
        from rich.console import Console  # rich is imported only where something is drawn
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(24),
            TextColumn("{task.fields[of]}  {task.fields[status]}"),
            console=Console(file=stream, highlight=False, markup=False),
            auto_refresh=False,
            transient=True,
        )
        self._task = None

    def show(self, step, status):
        """Redraw the bar."""
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task("", total=None, of="", status="")
        of = f"{step}/{self.steps}" if self.steps else f"{step}"
        self._progress.update(
            self._task, description=self.label, completed=step, total=self.steps, of=of, status=status, refresh=True
        )

    def end(self, step, logs):
        """Write the finished line above the bar."""
        self._progress.console.print(self.line(step, logs), soft_wrap=True)

    def close(self):
        """Take the bar away and give the cursor back."""
        if self._task is not None:
            self._progress.stop()
            self._task = None


class Notebook(Live):
    """One output line that is overwritten until it is final."""

    _length = 0

    def show(self, step, status):
        """Overwrite the line."""
        of = f"{step}/{self.steps}" if self.steps else f"{step}"
        self._write(f"{self.label}  {of}  {status}")

    def end(self, step, logs):
        """Leave the finished line and go to the next."""
        self._write(self.line(step, logs))
        self._write_end()

    def close(self):
        """Leave an unfinished line as it is."""
        if self._length:
            self._write_end()

    def _write(self, text):
        self.stream.write("\r" + text.ljust(self._length))
        self.stream.flush()
        self._length = len(text)

    def _write_end(self):
        self.stream.write("\n")
        self.stream.flush()
        self._length = 0

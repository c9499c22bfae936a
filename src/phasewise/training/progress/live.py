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
        """Show the state, when the last time is long enough ago or the last step is done: validation may follow."""
        super().update(step, logs)
        if self._last - self._shown > SECONDS_BETWEEN or step == self.steps:
            self._shown = self._last
            self.show(step, self.status(step, logs))

    def show(self, step, status):
        """Show `status` after `step` steps."""
        raise NotImplementedError


class Terminal(Live):
    """A bar below the finished lines; what the program prints meanwhile appears above it.

    Where the terminal is narrow, the bar gives way first and the end of the status next; a finished line is folded
    between its parts.
    """

    def __init__(self, stream):
        super().__init__(stream)
        from rich.console import Console  # rich is imported only where something is drawn
        from rich.progress import BarColumn, Progress, TextColumn

        console = Console(file=stream, highlight=False, markup=False)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(min(24, console.width // 8)),
            TextColumn("{task.fields[of]}", markup=False),
            _one_line_column(),
            console=console,
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
        console = self._progress.console
        console.print(folded(self.line(step, logs), console.width, " " * (len(self.label) + 2)), soft_wrap=True)

    def close(self):
        """Take the bar away and give the cursor back."""
        if self._task is not None:
            self._progress.stop()
            self._task = None


def folded(line, width, indent):
    """`line` broken where two blanks part it, so that no row exceeds `width` if it can be helped; `indent` opens the rows after
    the first."""
    rows = [""]
    for part in line.split("  "):
        longer = f"{rows[-1]}  {part}" if rows[-1].strip() else rows[-1] + part
        if len(longer) <= width or not rows[-1].strip():
            rows[-1] = longer
        else:
            rows.append(indent + part)
    return "\n".join(rows)


def _one_line_column():
    """A column for the status, the one that is cut, with an ellipsis, where the terminal is narrow."""
    from rich.progress import ProgressColumn
    from rich.table import Column
    from rich.text import Text

    class Status(ProgressColumn):
        def render(self, task):
            return Text(task.fields["status"], no_wrap=True, overflow="ellipsis")

    return Status(Column(no_wrap=False))


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

"""What the equation of an `EinsumDense` says of shapes."""

import re

from phasewise.core.types import Shape

_FORM = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


class EinsumEquation:
    """An equation "input,kernel->output", each a word of letters that name axes; input and output may both begin, or both end, in "...".

    Attributes:
        inputs, kernel, outputs: the words.
        elision: "left", "right" or None: the side on which axes of any number are left as they are.
        product_axes: where all that it says is that the last axes of the input and the first of the kernel are summed over, how many
            they are; else None.

    Raises:
        ValueError: the equation has another form; a letter occurs twice in a word, or nowhere else.
    """

    def __init__(self, equation: str):
        found = _FORM.fullmatch(equation.replace(" ", "")) if isinstance(equation, str) else None
        left, self.inputs, right, self.kernel, left_out, self.outputs, right_out = (
            found.groups() if found else [None] * 7
        )
        if not found or (left, right) != (left_out, right_out) or (left and right):
            raise ValueError(
                f"EinsumDense's equation has one of the forms 'ab,bc->ac', '...ab,bc->...ac' and 'ab...,bc->ac...'; got {equation!r}."
            )
        self.text, self.elision = equation, "left" if left else "right" if right else None
        for word in (self.inputs, self.kernel, self.outputs):
            if len(set(word)) < len(word):
                raise ValueError(f"A letter occurs twice in {word!r}, a part of EinsumDense's equation {equation!r}.")
        for word, others in ((self.kernel, self.inputs + self.outputs), (self.outputs, self.inputs + self.kernel)):
            for letter in word:
                if letter not in others:
                    raise ValueError(
                        f"The axis {letter!r} in EinsumDense's equation {equation!r} has no size: it occurs once."
                    )
        if self.elision != "left" and self.inputs[0] != self.outputs[0]:
            raise ValueError(
                f"The output of EinsumDense's equation {equation!r} begins with the batch axis {self.inputs[0]!r}, as its input does."
            )

        self.product_axes = self._find_product_axes()

    def _find_product_axes(self):
        axes = len(set(self.kernel) - set(self.outputs))
        kept, summed = self.inputs[: len(self.inputs) - axes], self.inputs[len(self.inputs) - axes :]
        is_product = axes and self.elision != "right" and self.kernel[:axes] == summed
        return axes if is_product and self.outputs == kept + self.kernel[axes:] else None

    def kept_axes(self, rank: int) -> list[int]:
        """Which axes of an input of this rank the kernel has as well, so that their sizes are fixed by it."""
        behind = rank - len(self.inputs) if self.elision == "left" else 0
        return [i + behind for i, axis in enumerate(self.inputs) if axis in self.kernel]

    def shapes(self, input_shape: Shape, given: Shape) -> "EinsumShapes":
        """The sizes of all axes.

        Args:
            input_shape: the input's, None for unknown axes.
            given: sizes of the output's axes, without the batch axis and those under the ellipsis; None where the input has them.

        Raises:
            ValueError: they do not fit.
        """
        elided = len(input_shape) - len(self.inputs)
        if elided < 0 or (elided and not self.elision):
            wanted = f"{'at least ' * bool(self.elision)}{len(self.inputs)}"
            raise ValueError(
                f"the equation {self.text!r} takes an input with {wanted} axes; got one of shape {tuple(input_shape)}"
            )
        over = [f"...{i}" for i in range(elided)]  # the axes under the ellipsis
        inputs = [*over, *self.inputs] if self.elision == "left" else [*self.inputs, *over]
        outputs = [*over, *self.outputs] if self.elision == "left" else [*self.outputs, *over]
        sizes = dict(zip(inputs, input_shape))
        named = [axis for axis in outputs[1:] if axis not in over]
        if len(named) != len(given):
            raise ValueError(
                f"output_shape={given} has {len(given)} entries; the equation {self.text!r} needs {len(named)}, for the axes {', '.join(named)}"
            )
        for axis, size in zip(named, given):
            known = sizes.setdefault(axis, size)
            if size is not None and known not in (None, size):
                raise ValueError(
                    f"axis {axis!r} of {self.text!r} has size {known} in the input and {size} in output_shape"
                )
        return EinsumShapes(self, sizes, outputs, len(over))


class EinsumShapes:
    """The sizes of the axes of an equation, for an input of one shape.

    Attributes:
        output: the output's shape.
        kernel: the kernel's.
        input_axes, output_axes: the axes of the kernel that are summed over, and the others, as lists.
    """

    def __init__(self, equation, sizes, outputs, elided):
        self._equation, self._sizes, self._elided = equation, sizes, elided
        self.output = tuple(sizes[axis] for axis in outputs)
        self.kernel = tuple(self._known(axis) for axis in equation.kernel)
        self.output_axes = [i for i, axis in enumerate(equation.kernel) if axis in equation.outputs]
        self.input_axes = [i for i, axis in enumerate(equation.kernel) if axis not in equation.outputs]

    def bias(self, axes: str) -> Shape:
        """The shape of a bias along these axes of the output.

        Raises:
            ValueError: the output has no such axis, or the size of one is unknown.
        """
        word = self._equation.outputs
        strange = [axis for axis in axes if axis not in word]
        if strange:
            raise ValueError(
                f"bias_axes={axes!r} names the axis {strange[0]!r}, which the output of {self._equation.text!r} does not have"
            )
        word = word[min(map(word.index, axes)) :]
        behind = self._elided if self._equation.elision == "right" else 0
        return (*(self._known(axis) if axis in axes else 1 for axis in word), *(1,) * behind)

    def _known(self, axis):
        if self._sizes[axis] is None:
            raise ValueError(
                f"the size of axis {axis!r} of {self._equation.text!r} is unknown: give it in output_shape, or in Input where the input has it"
            )
        return self._sizes[axis]

"""The order in which a model lists what its graph calls: Keras's, so that weights come in the same order there and here.

What lies deeper, counted in calls from the outputs, comes first; of equally deep ones that which is met first on the way from the
outputs to the inputs.
"""


def operations_in_order(input_tensors, output_tensors):
    """The layers and functions that a graph calls, and its inputs, each once.

    Args:
        input_tensors, output_tensors: lists of symbolic tensors that are known to connect.

    Returns:
        list of layers, of `Function`s, and for inputs of their `InputLayer`, or the tensor itself where it has none.
    """
    finished, met = _walked(input_tensors, output_tensors)
    depths, of_calls = {}, {}
    for key, operation, parents in reversed(finished):
        depth = max(of_calls.get(key, 0), depths.get(id(operation), 0))
        depths[id(operation)] = depth
        for parent in parents:
            of_calls[parent] = max(depth + 1, of_calls.get(parent, 0))
    operations = {id(operation): operation for _, operation, _ in finished}
    for tensor in input_tensors:
        source = _source(tensor)
        if id(source) not in depths:  # no output needs it
            depths[id(source)], met[id(source)], operations[id(source)] = 0, -1, source
    return sorted(operations.values(), key=lambda each: (-depths[id(each)], met[id(each)]))


def _source(tensor):
    return getattr(tensor, "input_layer", tensor)


def _walked(input_tensors, output_tensors):
    """Each call, parents first, as (its identity, what it calls, the identities of the calls that it needs), and for each operation
    the number under which it was met."""
    given = {id(t) for t in input_tensors}
    finished, met, begun, done = [], {}, set(), set()

    def call_of(tensor):
        is_input = id(tensor) in given or tensor.node is None
        return (
            (id(tensor), _source(tensor), ())
            if is_input
            else (id(tensor.node), tensor.node.operation, tensor.node.parents)
        )

    stack = [(t, False) for t in reversed(output_tensors)]
    while stack:
        tensor, is_ready = stack.pop()
        key, operation, parents = call_of(tensor)
        if is_ready:
            if key not in done:
                done.add(key)
                finished.append((key, operation, [call_of(parent)[0] for parent in parents]))
        elif key not in begun:
            begun.add(key)
            met.setdefault(id(operation), len(met))
            stack.append((tensor, True))
            stack.extend((parent, False) for parent in reversed(parents))
    return finished, met

"""Files: weights in Keras's own layout, and the record of a run. They hold arrays and JSON only; opening one runs no code."""

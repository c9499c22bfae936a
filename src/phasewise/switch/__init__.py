"""The switch: which phase a call is in, which statistics normalize in it, and the record of what was decided."""

"""Symbolic tensors, and the graph that calls on them build."""

"""What makes a layer: its call, its weights, the tree of layers inside it, its config."""

"""Ways to adapt a model to data that have shifted: one file each, through the interface of `method`."""

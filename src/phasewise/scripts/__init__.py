"""Scripts written for Keras, run with not one line changed: what stands in for the modules that they import."""

"""The names of TensorFlow that scripts for Keras use most, one file a module; the arguments are TensorFlow's."""

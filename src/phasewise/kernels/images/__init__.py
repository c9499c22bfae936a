"""Pure functions of images: arrays of shape (batch, height, width, channels)."""

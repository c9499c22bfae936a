"""The experiment that this project began with: what batch normalization does with data that have moved."""

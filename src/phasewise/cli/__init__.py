"""The command line, `phasewise COMMAND`: one file a command; `entry` is where it begins."""

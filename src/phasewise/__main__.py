"""`python -m phasewise`: the command `phasewise` where its script is not on the path."""

import sys

from phasewise.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())

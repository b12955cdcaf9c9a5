"""`python -m cacnet` is the command line."""

import sys

from cacnet.cli import main

if __name__ == "__main__":
    sys.exit(main())

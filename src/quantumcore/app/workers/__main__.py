"""A worker as a program: python -m quantumcore.app.workers HANDLE LEVEL."""

import sys

from quantumcore.app.workers.worker import main

sys.exit(main(sys.argv[1:]))

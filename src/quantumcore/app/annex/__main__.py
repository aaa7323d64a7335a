"""python -m quantumcore.app.annex HANDLE LEVEL DIRECTORY: started by the house, never by hand."""

import sys

from quantumcore.app.annex.rooms import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

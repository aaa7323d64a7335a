"""`python -m quantumcore`: the command line without its script."""

from quantumcore.app.cli import main

main()

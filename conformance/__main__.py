"""`python -m conformance` is the command `par-conformance`."""

from conformance.cli import main

main()

"""`python -m conformance.bench [NAME …]`: the suite against real servers that others wrote."""

import sys

from conformance.bench.command import main

sys.exit(main(sys.argv[1:]))

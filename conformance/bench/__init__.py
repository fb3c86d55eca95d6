"""Real authorization servers that others wrote, installed and started for tests.

Each is a `Recipe`: pinned versions in a folder of their own, settings of ours, clients and users as a profile in
`targets/` says them, secrets that are made here and never leave the folder. They listen on loopback only.
"""

from __future__ import annotations

from conformance.bench.lifecycle import STATE, down, export_lines, listing, running, up
from conformance.bench.recipe import BenchError, Recipe, Started
from conformance.bench.servers import SERVERS

__all__ = [
    "SERVERS",
    "STATE",
    "BenchError",
    "Recipe",
    "Started",
    "down",
    "export_lines",
    "listing",
    "running",
    "up",
]

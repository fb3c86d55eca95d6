"""The checks, one file a step of the flow. How to write one: docs/writing-a-check.md."""

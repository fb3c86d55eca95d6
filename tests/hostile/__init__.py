"""Servers that mean harm: each run against one ends in a verdict, in bounded time and memory, and does no harm."""

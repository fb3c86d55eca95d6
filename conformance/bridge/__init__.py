"""Bridges: thin authorization servers in front of APIs that decide for them, so that such an API can be tested."""

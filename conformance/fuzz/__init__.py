"""Hypothesis at work: payloads that know the grammar, and the life of a request_uri as a state machine."""

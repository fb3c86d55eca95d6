"""Conformance and security suite for OAuth 2.0 Pushed Authorization Requests (RFC 9126)."""

__version__ = "0.1.0"

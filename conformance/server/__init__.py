"""The reference authorization server: correct, small, on real sockets.

It is the embedded target, the thing that faults break one rule at a time, and the base of the vendor dialects.
"""

from conformance.server.app import AuthorizationServer
from conformance.server.running import Running, serve
from conformance.server.settings import Settings, SettingsError

__all__ = ["AuthorizationServer", "Running", "Settings", "SettingsError", "serve"]

"""Faults in the handling of encrypted request objects (RFC 9101 section 6.1)."""

from __future__ import annotations

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.faults import fault
from conformance.server.records import Parameters


class _Encrypted(AuthorizationServer):
    """Knows whether an object came encrypted."""

    inside_jwe = False

    def decrypt_request_object(self, text: str) -> str:
        """Note it."""
        self.inside_jwe = text.count(".") == 4
        return super().decrypt_request_object(text)


@fault("rfc9101-6.1-signature-in-jwe-validated", "openid-core-6.3.1-signature-in-jwe-validated")
class EncryptionIsEnough(_Encrypted):
    """BUG: the signature inside an encrypted object is not verified (RFC 9101 section 6.1)."""

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Verify what came in clear."""
        if not self.inside_jwe:
            super().verify_object_signature(client, jws)


@fault("rfc9101-6.1-alg-none-in-jwe-refused")
class UnsignedIsFineEncrypted(_Encrypted):
    """BUG: alg none is accepted inside an encrypted object (RFC 9101 section 6.1)."""

    def check_object_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Let it pass there."""
        if not (self.inside_jwe and jws.alg == "none"):
            super().check_object_algorithm(client, jws)

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Let it pass there."""
        if not (self.inside_jwe and jws.alg == "none"):
            super().verify_object_signature(client, jws)


@fault("rfc9101-6.1-unsigned-in-jwe-refused")
class ClaimsAreFineEncrypted(_Encrypted):
    """BUG: bare claims inside an encrypted object are used (RFC 9101 section 6.1)."""

    bare = False

    def decrypt_request_object(self, text: str) -> str:
        """Dress them as a JWT."""
        plain = super().decrypt_request_object(text)
        self.bare = self.inside_jwe and plain.startswith("{")
        return f"{jose.encode(b'{}')}.{jose.encode(plain.encode())}." if self.bare else plain

    def check_object_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """There is none."""
        if not self.bare:
            super().check_object_algorithm(client, jws)

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """There is none."""
        if not self.bare:
            super().verify_object_signature(client, jws)


@fault(
    "rfc9126-3-encrypted-object-decrypted",
    "rfc9101-6.1-encrypted-object-decrypted",
    "openid-core-6.3.1-encrypted-object-decrypted",
)
class EncryptedObjectsAreRefused(_Encrypted):
    """BUG: encryption is advertised and every encrypted object to the elliptic key refused (RFC 9101 section 6.1)."""

    def decrypt_request_object(self, text: str) -> str:
        """Refuse it."""
        if text.count(".") == 4 and b"ECDH" in jose.decode(text.partition(".")[0]):
            raise OAuthError("invalid_request_object", "the request object is invalid")
        return super().decrypt_request_object(text)


@fault("rfc9101-6.1-undecryptable-object-error-code")
class UndecryptableIsInvalidRequest(_Encrypted):
    """BUG: an object that cannot be decrypted is told as invalid_request (RFC 9101 section 6.1)."""

    def decrypt_request_object(self, text: str) -> str:
        """Use the other code."""
        try:
            return super().decrypt_request_object(text)
        except ValueError:
            raise OAuthError("invalid_request", "the request object cannot be decrypted") from None


@fault("rfc9126-3-undecryptable-object-refused", "openid-core-6.3.1-undecryptable-object-refused")
class SpoiltObjectsAreEmpty(_Encrypted):
    """BUG: where decryption fails, the request is taken for the last one of this client (RFC 9101 section 6.1)."""

    last: dict[str, Parameters]

    def read_request_object(self, client: RegisteredClient, text: str) -> Parameters:
        """Use what was decrypted before."""
        known = self.__dict__.setdefault("last", {})
        try:
            known[client.client_id] = super().read_request_object(client, text)
        except OAuthError:
            ours = text.count(".") == 4 and b"server-enc" in jose.decode(text.partition(".")[0])
            if not ours or client.client_id not in known or not self.spoilt(text):
                raise
        return dict(known[client.client_id])

    def spoilt(self, text: str) -> bool:
        """Whether the JWE itself cannot be decrypted."""
        try:
            self.decrypt_request_object(text)
        except (ValueError, OAuthError):
            return True
        return False

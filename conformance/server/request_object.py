"""Request objects (RFC 9101), pushed or by value (RFC 9126, section 3)."""

from __future__ import annotations

from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError

from conformance.server import jose, keys
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError
from conformance.server.parameters import ParameterRules
from conformance.server.records import Parameters

#: Claims that speak about the JWT, not about the request.
JWT_CLAIMS = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})

#: A compact JWE beyond this is not decrypted (characters).
LONGEST_JWE = 200_000


def invalid_object() -> OAuthError:
    """The one answer to every bad request object (RFC 9101, section 6)."""
    return OAuthError("invalid_request_object", "the request object is invalid")


class RequestObjects(ParameterRules):
    """Turns request objects into parameters."""

    def check_outer_parameters(self, names: set[str]) -> None:
        """Parameters beside a request object or request_uri are refused or, by default, ignored: never used."""
        if names and self.settings.outer_parameters == "refuse":
            raise OAuthError("invalid_request", "there are parameters beside the request object")

    def read_request_object(self, client: RegisteredClient, text: str) -> Parameters:
        """The parameters in a request object, verified. OAuthError invalid_request_object for every fault."""
        if not self.settings.jar:
            raise OAuthError("request_not_supported", "request objects are not supported")
        try:
            jws = self.parse_object(self.decrypt_request_object(text))
            claims = jws.claims()
            self.check_object_type(jws)
            self.check_object_algorithm(client, jws)
            self.verify_object_signature(client, jws)
            self.check_object_client(client, claims)
            self.check_object_audience(claims)
            self.check_object_times(claims)
            self.refuse_nested_objects(claims)
        except ValueError:
            raise invalid_object() from None
        return self.object_parameters(claims)

    def parse_object(self, text: str) -> jose.Jws:
        """The parts of an object; a claim that stands twice makes its claims unreadable (RFC 7519, section 4)."""
        return jose.parse_jws(text)

    def decrypt_request_object(self, text: str) -> str:
        """The signed object inside an encrypted one (RFC 9101, section 6.1); a signed one is returned as it is."""
        if text.count(".") != 4:
            return text
        if not self.settings.jwe or len(text) > LONGEST_JWE:
            raise invalid_object()
        header = jose.parse_json(jose.decode(text.partition(".")[0]))
        if not isinstance(header, dict) or "zip" in header or not isinstance(header.get("alg"), str):
            raise invalid_object()
        key = keys.decryption_key("RSA" if header["alg"].startswith("RSA") else "EC")
        try:
            algorithms = [*keys.ENCRYPTION_ALGS, *keys.ENCRYPTION_ENCS]
            plain = jwe.decrypt_compact(text, key, algorithms=algorithms).plaintext or b""
        except (JoseError, TypeError, KeyError) as error:
            raise ValueError("cannot be decrypted") from error
        return plain.decode("ascii")

    def check_object_type(self, jws: jose.Jws) -> None:
        """oauth-authz-req+jwt, JWT or nothing: no JWT made for something else (RFC 8725, section 3.11)."""
        if jws.typ not in {None, "jwt", "oauth-authz-req+jwt"}:
            raise invalid_object()

    def check_object_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """The registered algorithm, never none (RFC 9101, sections 6.2 and 10.5)."""
        if client.request_object_alg is None or jws.alg != client.request_object_alg:
            raise invalid_object()
        if jws.alg not in self.object_algs():
            raise invalid_object()

    def object_algs(self) -> list[str]:
        """The algorithms that request objects may have, which the metadata lists."""
        return [*self.signing_algs(), *(() if self.settings.signing_algs else jose.SYMMETRIC)]

    def verify_object_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """Signed with a key of this client (RFC 9101, section 6.2)."""
        if jws.alg in jose.SYMMETRIC:
            candidates = [client.secret.encode()] if client.secret else []
        else:
            candidates = [key.key for key in self.keys_of(client, jws)]
        if not any(jose.verify(jws, key, jws.alg) for key in candidates):
            raise invalid_object()

    def check_object_client(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """client_id is the client (RFC 9126, section 3); so is iss, where it is there."""
        if claims.get("client_id") != client.client_id:
            raise invalid_object()
        if claims.get("iss", client.client_id) != client.client_id:
            raise invalid_object()

    def check_object_audience(self, claims: dict[str, Any]) -> None:
        """aud is, or contains, the issuer (RFC 9101, section 4)."""
        audience = claims.get("aud")
        if audience is None and not self.settings.request_object_aud_required:
            return
        names = [audience] if isinstance(audience, str) else audience
        if not isinstance(names, list) or self.issuer not in names:
            raise invalid_object()

    def check_object_times(self, claims: dict[str, Any]) -> None:
        """exp is ahead, and not far from now or from nbf; iat and nbf do not lie in the future. Seconds."""
        now = self.now()
        expires, begins = jose.seconds(claims.get("exp")), jose.seconds(claims.get("nbf"))
        if expires is None:
            if self.settings.request_object_exp_required:
                raise invalid_object()
        elif not now < expires <= min(now, now if begins is None else begins) + self.settings.request_object_lifetime:
            raise invalid_object()
        if begins is None and self.settings.request_object_nbf_required:
            raise invalid_object()
        for name in ("iat", "nbf"):
            if (jose.seconds(claims.get(name)) or 0) > now + self.settings.clock_skew:
                raise invalid_object()

    def refuse_nested_objects(self, claims: dict[str, Any]) -> None:
        """A request object holds neither request nor request_uri (RFC 9101, section 4)."""
        if "request" in claims or "request_uri" in claims:
            raise invalid_object()

    def object_parameters(self, claims: dict[str, Any]) -> Parameters:
        """The claims that are parameters: numbers and structures stay what they are, empty ones are omitted."""
        return {name: value for name, value in claims.items() if name not in JWT_CLAIMS and value not in ("", None)}

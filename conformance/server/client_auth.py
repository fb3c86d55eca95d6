"""Client authentication: the registered method, exactly that, proven (RFC 6749, section 2.3; RFC 7523)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from conformance.server import jose
from conformance.server.clients import PublicKey, RegisteredClient
from conformance.server.errors import OAuthError, invalid_client
from conformance.server.forms import Form, decode
from conformance.server.mutual_tls import Certificates
from conformance.server.records import Seen

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

#: How a credential is presented under each registered method.
PRESENTED_AS = {
    "client_secret_basic": "basic",
    "client_secret_post": "post",
    "client_secret_jwt": "assertion",
    "private_key_jwt": "assertion",
    "tls_client_auth": "nothing",
    "self_signed_tls_client_auth": "nothing",
    "none": "nothing",
}

#: Parameters that prove the client and are no part of what it asks for.
CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


@dataclass(frozen=True)
class Presented:
    """Who a request says it is from, and what it shows for it (a certificate is shown by the connection)."""

    way: Literal["basic", "post", "assertion", "nothing"]
    client_id: str
    proof: str = field(default="", repr=False)


class ClientAuthentication(Certificates):
    """Who sends a direct request."""

    def authenticate_client(self, request: web.Request, form: Form) -> RegisteredClient:
        """The client that has proven itself by its registered method. OAuthError invalid_client otherwise."""
        presented = self.read_credentials(request, form)
        client = self.find_client(presented.client_id)
        self.check_registered_method(client, presented)
        self.verify_credentials(request, client, presented)
        return client

    def read_credentials(self, request: web.Request, form: Form) -> Presented:
        """The one way in which the request shows credentials; two ways at once are refused."""
        self.refuse_two_methods(request, form)
        if "Authorization" in request.headers:
            return self.read_basic(request.headers["Authorization"])
        if secret := form.get("client_secret"):
            return Presented("post", self.named_client(form), secret)
        if form.get("client_assertion") or form.get("client_assertion_type"):
            return self.read_assertion(form)
        return Presented("nothing", self.named_client(form))

    def refuse_two_methods(self, request: web.Request, form: Form) -> None:
        """A client uses one authentication method in a request (RFC 6749, section 2.3)."""
        ways = len(request.headers.getall("Authorization", []))
        ways += bool(form.get("client_secret"))
        ways += bool(form.get("client_assertion") or form.get("client_assertion_type"))
        if ways > 1:
            raise OAuthError("invalid_request", "more than one way of client authentication was used")

    def named_client(self, form: Form) -> str:
        """The client_id parameter; a request without credentials that names no client is incomplete."""
        client_id = form.get("client_id")
        if client_id is None:
            raise OAuthError("invalid_request", "client_id is missing")
        return client_id

    def find_client(self, client_id: str) -> RegisteredClient:
        """The registered client."""
        client = self.clients.get(client_id)
        if client is None:
            raise invalid_client()
        return client

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """The registered token_endpoint_auth_method holds at every endpoint (RFC 9126, section 2)."""
        if PRESENTED_AS[client.auth] != presented.way:
            raise invalid_client()

    def verify_credentials(self, request: web.Request, client: RegisteredClient, presented: Presented) -> None:
        """The proof of the registered method holds."""
        match client.auth:
            case "client_secret_basic" | "client_secret_post":
                self.verify_secret(client, presented.proof)
            case "client_secret_jwt" | "private_key_jwt":
                self.verify_assertion(client, presented.proof)
            case "tls_client_auth":
                self.verify_certificate_subject(client, self.shown_certificate(request))
            case "self_signed_tls_client_auth":
                self.verify_own_certificate(client, self.shown_certificate(request))
            case "none":
                pass

    def check_client_id_matches(self, client: RegisteredClient, form: Form, *, required: bool) -> None:
        """The client_id parameter names the client that was authenticated."""
        client_id = form.get("client_id")
        if client_id is None and required:
            raise OAuthError("invalid_request", "client_id is missing")
        if client_id is not None and client_id != client.client_id:
            raise OAuthError("invalid_request", "client_id is not the client that was authenticated")

    # Secrets

    def read_basic(self, header: str) -> Presented:
        """User and password of the Basic scheme, both form-encoded (RFC 6749, section 2.3.1)."""
        scheme, _, value = header.partition(" ")
        if scheme.lower() != "basic":
            raise invalid_client()
        try:
            user, _, password = base64.b64decode(value.strip(), validate=True).partition(b":")
            return Presented("basic", decode(user), decode(password))
        except ValueError:
            raise invalid_client() from None

    def verify_secret(self, client: RegisteredClient, secret: str) -> None:
        """The secret is the registered one; how long the comparison takes does not tell."""
        if not client.secret or not hmac.compare_digest(client.secret.encode(), secret.encode()):
            raise invalid_client()

    # Assertions

    def read_assertion(self, form: Form) -> Presented:
        """The client assertion and who it is about, unverified (RFC 7521, section 4.2)."""
        assertion = form.get("client_assertion")
        if form.get("client_assertion_type") != ASSERTION_TYPE or assertion is None:
            raise invalid_client()
        try:
            subject = self.parse_assertion(assertion).claims().get("sub")
        except ValueError:
            raise invalid_client() from None
        if not isinstance(subject, str):
            raise invalid_client()
        return Presented("assertion", subject, assertion)

    def parse_assertion(self, assertion: str) -> jose.Jws:
        """The parts of an assertion; a claim that stands twice makes its claims unreadable (RFC 7519, section 4)."""
        return jose.parse_jws(assertion)

    def verify_assertion(self, client: RegisteredClient, assertion: str) -> None:
        """Signature, issuer, audience, times and uniqueness of a client assertion (RFC 7523, section 3)."""
        try:
            jws = self.parse_assertion(assertion)
            claims = jws.claims()
            self.verify_assertion_type(jws)
            self.verify_assertion_algorithm(client, jws)
            self.verify_assertion_signature(client, jws)
            self.verify_assertion_issuer(client, claims)
            self.verify_assertion_audience(claims)
            self.verify_assertion_times(claims)
            self.remember_jti(client, claims)
        except ValueError:
            raise invalid_client() from None

    def verify_assertion_type(self, jws: jose.Jws) -> None:
        """No JWT that was made for something else, such as a request object, counts (RFC 8725, section 3.11)."""
        if jws.typ not in {None, "jwt", "client-authentication+jwt"}:
            raise invalid_client()

    def verify_assertion_algorithm(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """The algorithm is one that the client is registered for."""
        known = (*self.signing_algs(), *jose.SYMMETRIC) if client.auth == "client_secret_jwt" else self.signing_algs()
        if jws.alg not in client.assertion_algs or jws.alg not in known:
            raise invalid_client()

    def verify_assertion_signature(self, client: RegisteredClient, jws: jose.Jws) -> None:
        """The signature is the client's."""
        if not any(jose.verify(jws, key, jws.alg) for key in self.assertion_keys(client, jws)):
            raise invalid_client()

    def assertion_keys(self, client: RegisteredClient, jws: jose.Jws) -> list[Any]:
        """The client's registered keys, or its secret, that an assertion may be signed with."""
        if client.auth == "client_secret_jwt":
            return [(client.secret or "").encode()] if client.secret else []
        return [key.key for key in self.keys_of(client, jws)]

    def keys_of(self, client: RegisteredClient, jws: jose.Jws) -> list[PublicKey]:
        """The client's own keys for the header's alg, and for its kid where it has one."""
        return [key for key in client.keys if key.alg == jws.alg and jws.kid in {None, key.kid}]

    def verify_assertion_issuer(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """iss and sub are the client."""
        if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
            raise invalid_client()

    def verify_assertion_audience(self, claims: dict[str, Any]) -> None:
        """The assertion is meant for this server (RFC 9126, section 2, or the stricter newer rule)."""
        audience = claims.get("aud")
        single = [audience] if isinstance(audience, str) else audience
        if not isinstance(single, list) or not all(isinstance(one, str) for one in single):
            raise invalid_client()
        match self.settings.assertion_audience:
            case "rfc9126":
                meant = not self.assertion_audiences().isdisjoint(single)
            case "issuer":
                meant = single == [self.issuer]
            case "issuer-string":
                meant = audience == self.issuer
        if not meant:
            raise invalid_client()

    def assertion_audiences(self) -> set[str]:
        """Every name under which this server is an audience."""
        names: set[str] = {self.issuer}
        for endpoint in ("token", "pushed_authorization_request"):
            names.add(self.url(endpoint))
            if alias := self.mtls_url(endpoint):
                names.add(alias)
        return names

    def verify_assertion_times(self, claims: dict[str, Any]) -> None:
        """exp is there, ahead and not far ahead; iat and nbf do not lie in the future, nor iat far back. Seconds."""
        now = self.now()
        expires = jose.seconds(claims.get("exp"))
        if expires is None or not now < expires <= now + self.settings.assertion_lifetime:
            raise invalid_client()
        for name in ("iat", "nbf"):
            if (jose.seconds(claims.get(name)) or 0) > now + self.settings.clock_skew:
                raise invalid_client()
        issued = jose.seconds(claims.get("iat"))
        if issued is not None and issued < now - self.settings.assertion_lifetime:
            raise invalid_client()

    def remember_jti(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """An assertion is good for one request, whatever the endpoint (RFC 7523, section 3)."""
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti:
            raise invalid_client()
        if not self.first_time(f"assertion {client.client_id} {jti}", float(claims["exp"])):
            raise invalid_client()

    def first_time(self, name: str, until: float) -> bool:
        """Whether `name` comes for the first time; it is remembered until `until` (Unix seconds)."""
        key = hashlib.sha256(name.encode()).hexdigest()
        seen = self.seen.get(key)
        if seen is not None and seen.expires_at > self.now():
            return False
        self.seen.put(key, Seen(until))
        return True

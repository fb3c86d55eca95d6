"""Token requests (RFC 6749 section 4.1.3): redeeming what an authorization request led to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.http.message import Died, Pairs, Request, Response
from conformance.http.wire import Wire
from conformance.protocol import client_auth, dpop, jws
from conformance.protocol.client_auth import Authentication, Occasion
from conformance.protocol.dpop import DpopKey
from conformance.protocol.outcome import Outcome
from conformance.protocol.par import FORM, Change, Push, changed_pairs, encode
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

#: The schemes of access tokens (RFC 6750 section 2.1, RFC 9449 section 7.1).
SCHEMES = ("Bearer", "DPoP")


@dataclass(frozen=True)
class TokenAnswer:
    """What came back to a token request."""

    response: Response | None
    died: str | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status; None where no answer came."""
        return self.response.status if self.response else None

    @property
    def json(self) -> dict[str, Any]:
        """The members of the answer; empty where it is no JSON object."""
        return (self.response.json_object() or {}) if self.response else {}

    @property
    def accepted(self) -> bool:
        """A success status with an access token."""
        return self.status is not None and 200 <= self.status < 300 and isinstance(self.json.get("access_token"), str)

    @property
    def error(self) -> str | None:
        """The error code."""
        value = self.json.get("error")
        return value if isinstance(value, str) else None

    @property
    def refused(self) -> bool:
        """The server said no."""
        if self.status is None or self.accepted:
            return False
        return 400 <= self.status < 500 or (self.status < 500 and self.error is not None)

    @property
    def scope(self) -> set[str] | None:
        """The granted scope as the answer says it; None where it does not say."""
        value = self.json.get("scope")
        return set(value.split()) if isinstance(value, str) else None

    @property
    def scheme(self) -> str:
        """The scheme that the access token is sent under, as it is registered: token_type has no case (section 5.1)."""
        kind = str(self.json.get("token_type"))
        return next((name for name in SCHEMES if name.lower() == kind.lower()), kind)

    @property
    def id_token(self) -> dict[str, Any]:
        """The claims of the ID token, its signature not looked at."""
        value = self.json.get("id_token")
        return jws.claims_of(value) if isinstance(value, str) else {}

    @property
    def summary(self) -> str:
        """What came back, in a few words."""
        if self.response is None:
            return f"no answer ({self.died})"
        return f"HTTP {self.status}" + (f" error={self.error}" if self.error else "")


@dataclass
class Token:
    """The token endpoint as one check uses it."""

    wire: Wire
    target: Target
    nonces: dict[str, str]

    async def redeem(
        self,
        outcome: Outcome,
        push: Push,
        /,
        *,
        client: str | RegisteredClient | None = None,
        authentication: Authentication = client_auth.registered,
        dpop_key: DpopKey | str | None = "push",
        dpop_fault: dpop.Fault = dpop.RIGHT,
        method: str = "POST",
        query: Pairs = (),
        **changes: Change,
    ) -> TokenAnswer:
        """Redeem the code of an outcome as the client of its push would; `changes` to the parameters.

        `dpop_key`: 'push' proves possession of the push's own key, None sends no proof. With GET for a `method`
        everything that would stand in the body stands in the query; `query` stands there by POST too.
        """
        if outcome.code is None:
            raise NotExercised(f"there is no code to redeem: {outcome.summary}")
        by = push.client
        if client is not None:
            by = self.target.client(client) if isinstance(client, str) else client
        pairs: list[tuple[str, str]] = [("grant_type", "authorization_code"), ("code", outcome.code)]
        redirect_uri = push.value("redirect_uri")
        if redirect_uri is not None:
            pairs.append(("redirect_uri", redirect_uri))
        if push.verifier is not None:
            pairs.append(("code_verifier", push.verifier))
        key = push.dpop if dpop_key == "push" else dpop_key
        return await self.request(
            by,
            changed_pairs(tuple(pairs), changes),
            authentication,
            key if isinstance(key, DpopKey) else None,
            dpop_fault=dpop_fault,
            method=method,
            query=query,
        )

    async def refresh(
        self,
        tokens: TokenAnswer,
        client: RegisteredClient,
        /,
        *,
        authentication: Authentication = client_auth.registered,
        dpop_key: DpopKey | None = None,
        **changes: Change,
    ) -> TokenAnswer:
        """Use the refresh token of an answer (RFC 6749 section 6). NotApplicable where it has none."""
        value = tokens.json.get("refresh_token")
        if not isinstance(value, str):
            raise NotApplicable(f"the client of the role {client.role!r} was given no refresh token")
        pairs = (("grant_type", "refresh_token"), ("refresh_token", value))
        return await self.request(client, changed_pairs(pairs, changes), authentication, dpop_key, "refresh request")

    async def request(
        self,
        client: RegisteredClient,
        parameters: Pairs,
        authentication: Authentication = client_auth.registered,
        dpop_key: DpopKey | None = None,
        purpose: str = "token request",
        dpop_fault: dpop.Fault = dpop.RIGHT,
        method: str = "POST",
        query: Pairs = (),
    ) -> TokenAnswer:
        """Send any token request; a demand for a DPoP nonce is met once (RFC 9449 section 8)."""
        had_nonce = "token" in self.nonces
        answer = await self._send(client, parameters, authentication, dpop_key, purpose, dpop_fault, method, query)
        first_nonce = not had_nonce and "token" in self.nonces and not answer.accepted
        wants_nonce = dpop_key is not None and (answer.error == "use_dpop_nonce" or first_nonce)
        if wants_nonce and "nonce" not in dpop_fault.claims:
            purpose = f"{purpose} (with the nonce)"
            answer = await self._send(client, parameters, authentication, dpop_key, purpose, dpop_fault, method, query)
        return answer

    async def _send(
        self,
        client: RegisteredClient,
        parameters: Pairs,
        authentication: Authentication,
        dpop_key: DpopKey | None,
        purpose: str,
        dpop_fault: dpop.Fault,
        method: str,
        query: Pairs,
    ) -> TokenAnswer:
        url = self.target.token_endpoint
        if client.entry.auth.endswith("tls_client_auth"):
            url = self.target.metadata.mtls_alias("token_endpoint") or url
        now = self.wire.clock.now()
        proof = authentication(Occasion(client, self.target, url, now))
        headers = [*proof.headers]
        if dpop_key is not None:
            nonce = self.nonces.get("token")
            headers.append(("DPoP", dpop.proof(dpop_key, method, url, now, nonce=nonce, fault=dpop_fault)))
        form = encode((*parameters, *client_auth.identification(client, proof), *proof.form))
        in_url = encode(query) if method == "POST" else form
        if in_url:
            url += ("&" if "?" in url else "?") + in_url
        if method == "GET":
            request = Request(method, url, tuple(headers), certificate=proof.certificate)
        else:
            headers.append(("Content-Type", FORM))
            request = Request(method, url, tuple(headers), form.encode(), certificate=proof.certificate)
        try:
            response = await self.wire.send(request, purpose=purpose)
        except Died as died:
            return TokenAnswer(None, str(died))
        given = response.header("dpop-nonce")
        if given:
            self.nonces["token"] = given
        return TokenAnswer(response)

    async def introspect(self, token: str, client: RegisteredClient) -> dict[str, Any] | None:
        """What introspection says of an access token (RFC 7662); None where the server has none or refuses."""
        url = self.target.metadata.introspection_endpoint
        if url is None:
            return None
        if client.entry.auth.endswith("tls_client_auth"):
            url = self.target.metadata.mtls_alias("introspection_endpoint") or url
        proof = client_auth.registered(Occasion(client, self.target, url, self.wire.clock.now()))
        body = encode((("token", token), *client_auth.identification(client, proof), *proof.form)).encode()
        headers = (*proof.headers, ("Content-Type", FORM))
        request = Request("POST", url, headers, body, certificate=proof.certificate)
        response = await self.wire.send(request, purpose="token introspection")
        return response.json_object() if response.status == 200 else None

    async def userinfo(
        self,
        tokens: TokenAnswer,
        /,
        *,
        scheme: str | None = None,
        dpop_key: DpopKey | None = None,
        dpop_fault: dpop.Fault = dpop.RIGHT,
        value: str | None = None,
    ) -> Response:
        """What UserInfo answers to an access token, or to another `value`, under the scheme of its type.

        `scheme` names another one. A demand for a DPoP nonce is met once. NotApplicable where there is no endpoint.
        """
        if self.target.metadata.userinfo_endpoint is None:
            raise NotApplicable("the server has no UserInfo endpoint")
        had_nonce = "userinfo" in self.nonces
        response = await self._ask_userinfo(tokens, scheme, dpop_key, dpop_fault, value)
        wants_nonce = dpop_key is not None and not had_nonce and "userinfo" in self.nonces
        if wants_nonce and response.status in {400, 401}:
            response = await self._ask_userinfo(tokens, scheme, dpop_key, dpop_fault, value)
        return response

    async def _ask_userinfo(
        self,
        tokens: TokenAnswer,
        scheme: str | None,
        dpop_key: DpopKey | None,
        dpop_fault: dpop.Fault,
        value: str | None,
    ) -> Response:
        url = self.target.metadata.userinfo_endpoint or ""
        value = value or str(tokens.json.get("access_token"))
        headers = [("Authorization", f"{scheme or tokens.scheme} {value}")]
        if dpop_key is not None:
            now, nonce = self.wire.clock.now(), self.nonces.get("userinfo")
            proof = dpop.proof(dpop_key, "GET", url, now, nonce=nonce, access_token=value, fault=dpop_fault)
            headers.append(("DPoP", proof))
        request = Request("GET", url, tuple(headers), repeatable=dpop_key is None)
        try:
            response = await self.wire.send(request, purpose="UserInfo")
        except Died as died:
            raise NotExercised(f"the UserInfo endpoint gave no answer: {died}") from died
        given = response.header("dpop-nonce")
        if given:
            self.nonces["userinfo"] = given
        return response

    async def audience(self, tokens: TokenAnswer, client: RegisteredClient) -> set[str] | None:
        """For whom an access token is, read from a JWT or by introspection; None where nothing shows it."""
        token = tokens.json.get("access_token")
        if not isinstance(token, str):
            return None
        claims = jws.claims_of(token) or await self.introspect(token, client) or {}
        audience = claims.get("aud")
        if isinstance(audience, str):
            return {audience}
        return {item for item in audience if isinstance(item, str)} if isinstance(audience, list) else None

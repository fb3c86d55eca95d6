"""What best current practice asks of redirects, origins, grants and tokens (RFC 9700, RFC 6749)."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote_plus

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, roles
from conformance.checks.test_metadata import LOOPBACK, document
from conformance.checks.test_pushed_request import refuse_unregistered
from conformance.http.message import Request, split
from conformance.http.wire import Wire
from conformance.profile.model import Feature, Profile
from conformance.protocol import client_auth
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Occasion, Proof
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

#: Headers in which proxies hand a client certificate on.
CERTIFICATE_HEADERS = (
    "X-Client-Cert",
    "X-SSL-Client-Cert",
    "X-Forwarded-Client-Cert",
    "X-ClientCert",
    "X-ARR-ClientCert",
    "SSL-Client-Cert",
    "SSL_CLIENT_CERT",
    "Client-Cert",
)
_WILDCARD_ORIGIN = re.compile(r"\.postMessage\s*\([^;]*,\s*['\"]\*['\"]", re.DOTALL)


# -- redirect URIs, origins, grants, tokens ---------------------------------------------------------------------------


@verifies("rfc9700-2.6-http-redirect-uri-refused", "fapi2-security-profile-5.3.2.2-http-redirect-uri-refused")
async def test_redirect_uri_under_http_brings_no_code(par: Par, authorization: Authorization, target: Target) -> None:
    """A redirect_uri with the scheme http, that of a native application aside, brings no code."""
    entries = target.profile.clients.items()
    plain = [
        (role, uri)
        for role, client in entries
        for uri in client.redirect_uris
        if split(uri).scheme == "http" and split(uri).hostname not in LOOPBACK
    ]
    role, redirect_uri = plain[0] if plain else ("first", target.client("first").redirect_uri)
    if split(redirect_uri).scheme not in {"http", "https"}:
        raise NotApplicable("the first client's redirect URI is neither http nor https")
    if not plain:
        refuse_unregistered(target, "first")
    address = redirect_uri.replace("https:", "http:", 1)
    await flows.no_code(par, authorization, await par.push(role, redirect_uri=address))


def loopback(profile: Profile) -> dict[str, tuple[str, str]]:
    """A native application that has registered a loopback address: its role and that redirect URI."""
    for role, client in profile.clients.items():
        for uri in client.redirect_uris:
            if client.auth == "none" and split(uri).scheme == "http" and split(uri).hostname in LOOPBACK:
                return {role: (role, uri)}
    return {}


@verifies("rfc9700-4.1.3-loopback-port-varies", needs=Feature.PUBLIC_CLIENTS)
@each(registered=loopback, port=("49152", "61023"))
async def test_native_application_may_listen_on_any_port(
    par: Par, authorization: Authorization, registered: tuple[str, str], port: str
) -> None:
    """A native application's loopback address is accepted with any port, and the code goes there."""
    role, uri = registered
    parts = split(uri)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    redirect_uri = parts._replace(netloc=f"{host}:{port}").geturl()
    answer = expect.accepted(await par.push(role, redirect_uri=redirect_uri))
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE:
        expect.code(outcome, control=await authorization.open(await par.accepted(role, redirect_uri=uri)))
    went_to = re.split("[?#]", outcome.location or "")[0]
    expect.that(
        went_to == redirect_uri.split("?")[0],
        "other-port",
        f"the code went to {went_to}",
        expected=redirect_uri,
        received=went_to,
    )


@verifies("rfc9126-2.1-redirect-uri-validated", needs=Feature.PUBLIC_CLIENTS)
@each(registered=loopback, form=("other-path", "longer-path", "query-added", "other-host"))
async def test_nothing_but_the_port_of_a_loopback_address_varies(
    par: Par, authorization: Authorization, registered: tuple[str, str], form: str
) -> None:
    """A native application's loopback address with another path, query or host brings no code, whatever its port."""
    role, uri = registered
    parts = split(uri)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    right = parts._replace(netloc=f"{host}:49152")
    wrong = {
        "other-path": right._replace(path="/another-application"),
        "longer-path": right._replace(path=right.path.rstrip("/") + "/more"),
        "query-added": right._replace(query="added=1"),
        "other-host": right._replace(netloc="attacker.example:49152"),
    }[form].geturl()
    await flows.no_code(par, authorization, await par.push(role, redirect_uri=wrong))


@verifies(
    "rfc9700-2.6-no-cors-at-authorization-endpoint", "fapi2-security-profile-5.2.3-no-cors-at-authorization-endpoint"
)
@each(method=("GET", "OPTIONS"))
async def test_authorization_endpoint_has_no_cors(
    par: Par, authorization: Authorization, target: Target, wire: Wire, method: str
) -> None:
    """The authorization endpoint allows no cross-origin access by scripts."""
    answer = await par.accepted()
    url = f"{target.authorization_endpoint}?client_id={answer.push.client.client_id}&request_uri={answer.request_uri}"
    headers = [("Origin", "https://attacker.example")]
    if method == "OPTIONS":
        headers.append(("Access-Control-Request-Method", "GET"))
    response = await wire.send(Request(method, url, tuple(headers), repeatable=True), purpose="cross-origin request")
    allowed = response.header("access-control-allow-origin")
    expect.that(
        allowed is None,
        "allowed",
        f"scripts of other sites may read the authorization endpoint: {allowed}",
        expected="no Access-Control-Allow-Origin",
        received=f"Access-Control-Allow-Origin: {allowed}",
    )
    await flows.code(par, authorization)


@verifies("rfc9700-2.4-password-grant-refused", "fapi2-security-profile-5.3.2.1-password-grant-refused")
@each(client=flows.first_and_public)
async def test_password_of_a_person_brings_no_token(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """The token endpoint gives no token for a person's user name and password."""
    person = target.keyring.users.get(target.profile.login.user)
    if person is None:
        raise NotExercised("the profile has no user whose password could be tried")
    by = target.client(client)
    form: list[tuple[str, str]] = [
        ("grant_type", "password"),
        ("username", person.username),
        ("password", person.password),
    ]
    if by.entry.scope:
        form.append(("scope", by.entry.scope))
    answer = await token.request(by, tuple(form), purpose="password grant")
    expect.not_redeemed(answer, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc9700-2.5-asymmetric-methods-offered")
async def test_asymmetric_method_is_offered(target: Target) -> None:
    """The metadata list a method of client authentication with asymmetric keys."""
    listed = document(target).get("token_endpoint_auth_methods_supported")
    methods = listed if isinstance(listed, list) else []
    expect.that(
        bool({"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"} & {*map(str, methods)}),
        "not-offered",
        f"token_endpoint_auth_methods_supported is {listed!r}",
        expected="private_key_jwt, tls_client_auth or self_signed_tls_client_auth",
        received=repr(listed),
    )


@verifies("rfc9700-2.6-metadata-published", "fapi2-security-profile-5.3.2.1-metadata-published")
async def test_metadata_is_published(target: Target) -> None:
    """The server publishes its metadata at a well-known place."""
    if target.profile.issuer is None and target.profile.metadata_url is None:
        raise NotApplicable("the profile names neither an issuer nor a place of metadata")
    expect.that(
        bool(target.metadata.document),
        "not-published",
        "there is no metadata at the places where it may be",
        expected="a metadata document (RFC 8414 section 3)",
        received=", ".join(f"HTTP {response.status}" for response in target.metadata.responses.values()) or "nothing",
    )


@verifies("rfc9700-2.2.1-tokens-sender-constrained")
async def test_access_tokens_are_bound_to_a_key(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The access token of a client that can prove a key is bound to that key."""
    role = next(iter(roles.with_dpop(target.profile)))
    if not target.client(role).entry.dpop:
        bound = [role for role, client in target.profile.clients.items() if client.auth.endswith("tls_client_auth")]
        role = bound[0] if bound else "first"
    answer = flows.granted(await flows.redeemed(par, authorization, token, role))
    told = await token.introspect(str(answer.json.get("access_token")), target.client(role)) or {}
    token_type = str(answer.json.get("token_type")).lower()
    shown = {**flows.claims_of_token(answer), **told}
    expect.that(
        token_type == "dpop" or bool(shown.get("cnf")),
        "bearer",
        f"the access token of the client {role!r} can be used by whoever has it",
        expected="a token that is bound by DPoP or mutual TLS",
        received=f"token_type {answer.json.get('token_type')}, no cnf",
    )


@verifies("rfc9700-2.3-audience-restricted")
async def test_access_token_says_for_whom_it_is(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The access token names the resource server that it is for."""
    answer = flows.granted(await flows.redeemed(par, authorization, token))
    shown = flows.claims_of_token(answer)
    if not shown:
        told = await token.introspect(str(answer.json.get("access_token")), target.client("first"))
        if told is None or told.get("active") is not True:
            raise NotApplicable("neither the access token nor introspection shows for whom the token is")
        shown = told
    expect.that(
        bool(shown.get("aud")),
        "no-audience",
        "nothing says for whom the access token is",
        expected="aud",
        received=", ".join(shown),
    )


def with_certificate(profile: Profile) -> dict[str, str]:
    """The clients that authenticate by mutual TLS, one of each method."""
    return {method: role for method, role in roles.by_method(profile).items() if "tls" in method}


@verifies("rfc9700-4.13-certificate-header-not-trusted", "rfc8705-2-certificate-in-header-refused", needs=Feature.MTLS)
@each(client=with_certificate, form=("pem", "der"))
async def test_certificate_in_a_header_authenticates_nobody(par: Par, target: Target, client: str, form: str) -> None:
    """A client certificate that comes in a header, and not by the TLS connection, authenticates nobody."""
    held = target.client(client).credentials.certificate
    if held is None:
        raise NotApplicable("the profile has no certificate for this client")
    lines = [line for line in held.certificate.splitlines() if line and not line.startswith("-----")]
    encoded = "".join(lines)
    value = quote_plus(held.certificate) if form == "pem" else encoded
    headers = [(name, f":{value}:" if name == "Client-Cert" else value) for name in CERTIFICATE_HEADERS]
    headers += [("X-SSL-Client-Verify", "SUCCESS"), ("X-Client-Verify", "SUCCESS")]

    def shown(_: Occasion) -> Proof:
        return Proof(headers=tuple(headers))

    for endpoint in (None, target.par_endpoint):
        push = replace(par.ordinary(client), authentication=shown, endpoint=endpoint)
        answer = await par.send(push, control=lambda: par.ordinary(client))
        if answer.accepted and (await par.send(replace(push, authentication=client_auth.nothing))).accepted:
            raise NotApplicable("the client is served without any certificate, which is a finding of its own")
        expect.refused(answer)


@verifies("rfc9700-4.17.2-no-wildcard-origin")
@each(mode=("web_message", "web_message.jwt"))
async def test_message_goes_to_the_origin_of_the_client(
    par: Par, authorization: Authorization, target: Target, mode: str
) -> None:
    """A response by postMessage names the origin that it is for, and not everybody's."""
    if mode not in (target.metadata.strings("response_modes_supported") or []):
        raise NotApplicable(f"the metadata does not name the response mode {mode}")
    answer = await par.accepted(response_mode=mode)
    outcome = await authorization.open(answer)
    pages = [response.text for response in outcome.responses if ".postMessage" in response.text]
    if not pages:
        raise NotExercised("no page with postMessage was met")
    expect.that(
        not any(_WILDCARD_ORIGIN.search(page) for page in pages),
        "wildcard-origin",
        "the response is posted to every origin",
        expected="the origin of the pushed redirect_uri",
        received="*",
    )

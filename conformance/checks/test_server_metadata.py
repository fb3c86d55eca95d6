"""The metadata document of the server (RFC 8414), beyond what RFC 9126 adds to it."""

from __future__ import annotations

import json
import ssl

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, server_keys
from conformance.checks.test_metadata import LOOPBACK, document, no_metadata
from conformance.http import tls
from conformance.http.message import Response, split
from conformance.http.wire import Wire
from conformance.profile.model import Feature
from conformance.protocol import jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.metadata import well_known
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Par
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation

#: Members whose values are lists of strings (RFC 8414 section 2 and the documents that add to it).
LISTS = (
    "scopes_supported",
    "response_types_supported",
    "response_modes_supported",
    "grant_types_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "ui_locales_supported",
    "revocation_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_methods_supported",
    "code_challenge_methods_supported",
    "dpop_signing_alg_values_supported",
    "request_object_signing_alg_values_supported",
    "request_object_encryption_alg_values_supported",
    "request_object_encryption_enc_values_supported",
    "authorization_details_types_supported",
    "acr_values_supported",
    "prompt_values_supported",
)
#: Members whose values are strings.
STRINGS = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "registration_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
    "service_documentation",
    "op_policy_uri",
    "op_tos_uri",
    "signed_metadata",
)
#: Members whose values are true or false; those with an id of their own are left out.
BOOLEANS = (
    "claims_parameter_supported",
    "request_parameter_supported",
    "request_uri_parameter_supported",
    "require_request_uri_registration",
    "require_signed_request_object",
    "tls_client_certificate_bound_access_tokens",
)
ASSERTION_ALGORITHMS = "token_endpoint_auth_signing_alg_values_supported"


def _on_plain_loopback(target: Target) -> bool:
    """Whether the whole target is on loopback over plain http, which says nothing about its real address."""
    parts = split(target.metadata.issuer or "")
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def _encrypted(target: Target, url: str, name: str) -> None:
    if _on_plain_loopback(target):
        raise NotApplicable("the target is on loopback over plain http, which says nothing about its real address")
    scheme = split(url).scheme
    expect.that(scheme == "https", "plain-http", f"{name} is {url}", expected="https", received=scheme)


def _member(target: Target, name: str) -> object:
    published = document(target)
    if name not in published:
        raise NotApplicable(f"the metadata does not have {name}")
    return published[name]


# -- members --------------------------------------------------------------------------------------------------------


@verifies("rfc8414-2-issuer-present")
async def test_metadata_names_the_issuer(target: Target) -> None:
    """The metadata has a member issuer, a string."""
    value = document(target).get("issuer")
    expect.that(
        isinstance(value, str) and bool(value),
        "no-issuer",
        f"issuer is {value!r}",
        expected="a string",
        received=repr(value),
    )


@verifies("rfc8414-2-issuer-plain-url")
async def test_issuer_has_neither_query_nor_fragment(target: Target) -> None:
    """The issuer identifier has neither query nor fragment."""
    issuer = document(target).get("issuer")
    if not isinstance(issuer, str):
        raise NotApplicable("the metadata has no issuer, which is a finding of its own")
    expect.that(
        "?" not in issuer and "#" not in issuer,
        "no-plain-url",
        f"the issuer is {issuer!r}",
        expected="a URL without query and fragment",
        received=issuer,
    )


@verifies("rfc8414-2-authorization-endpoint")
async def test_metadata_names_the_authorization_endpoint(target: Target) -> None:
    """The metadata names the authorization endpoint by an absolute URL."""
    _names(target, "authorization_endpoint")


@verifies("rfc8414-2-token-endpoint")
async def test_metadata_names_the_token_endpoint(target: Target) -> None:
    """The metadata names the token endpoint by an absolute URL."""
    _names(target, "token_endpoint")


def _names(target: Target, name: str) -> None:
    value = document(target).get(name)
    expect.that(
        target.metadata.url(name) is not None,
        "no-absolute-url",
        f"{name} is {value!r}",
        expected="an absolute URL",
        received=repr(value),
    )


@verifies("rfc6749-3.1-authorization-endpoint-without-fragment")
async def test_authorization_endpoint_has_no_fragment(target: Target) -> None:
    """The URL of the authorization endpoint has no fragment."""
    url = target.authorization_endpoint
    expect.that("#" not in url, "fragment", f"the endpoint is {url}", expected="no fragment", received=url)


@verifies("rfc6749-3.2-token-endpoint-without-fragment")
async def test_token_endpoint_has_no_fragment(target: Target) -> None:
    """The URL of the token endpoint has no fragment."""
    url = target.token_endpoint
    expect.that("#" not in url, "fragment", f"the endpoint is {url}", expected="no fragment", received=url)


@verifies("rfc8414-2-jwks-uri-https", "fapi2-security-profile-5.4.2-jwks-uri-uses-tls")
async def test_keys_are_published_under_https(target: Target) -> None:
    """jwks_uri, where it is published, has the scheme https."""
    _encrypted(target, str(_member(target, "jwks_uri")), "jwks_uri")


@verifies("rfc8414-2-keys-have-use")
async def test_published_keys_say_what_they_are_for(target: Target, wire: Wire) -> None:
    """Where keys for signing and for encryption are published, each one says which it is for."""
    keys = await server_keys.published(target, wire)
    encrypts = bool(document(target).get("request_object_encryption_alg_values_supported"))
    if not encrypts and not any(key.get("use") == "enc" for key in keys):
        raise NotApplicable("the server publishes no keys for encryption")
    without = [str(key.get("kid")) for key in keys if key.get("use") not in {"sig", "enc"}]
    expect.that(
        not without,
        "no-use",
        f"the keys {', '.join(without)} do not say what they are for",
        expected="use in every key",
        received=f"{len(without)} of {len(keys)} keys without",
    )


@verifies("rfc8414-2-scopes-supported")
async def test_metadata_lists_scopes(target: Target) -> None:
    """The metadata lists scopes in scopes_supported."""
    if not any(client.scope or client.further_scope for client in target.profile.clients.values()):
        raise NotApplicable("no client of the profile asks for a scope: there may be none")
    value = document(target).get("scopes_supported")
    expect.that(bool(value), "not-listed", "there is no scopes_supported", expected="a list", received=repr(value))


@verifies("rfc8414-2-response-types-supported")
async def test_metadata_lists_the_response_type_code(target: Target) -> None:
    """response_types_supported is there and has code."""
    value = document(target).get("response_types_supported")
    listed = value if isinstance(value, list) else []
    expect.that(
        "code" in listed,
        "not-listed",
        f"response_types_supported is {value!r}",
        expected="a list with code",
        received=repr(value),
    )


@verifies("rfc8414-2-grant-types-supported")
async def test_listed_grant_types_have_authorization_code(target: Target) -> None:
    """grant_types_supported, where it is published, has authorization_code."""
    value = _member(target, "grant_types_supported")
    expect.that(
        isinstance(value, list) and "authorization_code" in value,
        "not-listed",
        f"grant_types_supported is {value!r}",
        expected="a list with authorization_code",
        received=repr(value),
    )


@verifies("rfc8414-2-response-modes-supported")
@each(mode=("query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"))
async def test_listed_response_mode_is_honoured(
    par: Par, authorization: Authorization, target: Target, mode: str
) -> None:
    """A response_mode that the metadata lists is honoured when it is pushed."""
    if mode not in (target.metadata.strings("response_modes_supported") or []):
        raise NotApplicable(f"the metadata does not list the response mode {mode}")
    outcome = await flows.tolerated(par, authorization, await par.push(response_mode=mode))
    if outcome.ending is not Ending.CODE:
        raise NotExercised(f"the request brought no code: {outcome.summary}")
    honoured = outcome.mode == mode or (mode == "jwt" and (outcome.mode or "").endswith(".jwt"))
    expect.that(
        honoured, "other-response-mode", f"the response came as {outcome.mode}", expected=mode, received=outcome.mode
    )


def _with_assertions(target: Target) -> list[str]:
    methods = target.metadata.strings("token_endpoint_auth_methods_supported") or []
    found = [method for method in methods if method in {"private_key_jwt", "client_secret_jwt"}]
    if not document(target) or not found:
        raise NotApplicable("the metadata lists no method of authentication with a JWT")
    return found


@verifies("rfc8414-2-assertion-algorithms-listed")
async def test_algorithms_of_client_assertions_are_listed(target: Target) -> None:
    """Where clients authenticate with a JWT, the algorithms for it are listed."""
    methods = _with_assertions(target)
    value = document(target).get(ASSERTION_ALGORITHMS)
    expect.that(
        bool(value),
        "not-listed",
        f"{', '.join(methods)} is listed, and {ASSERTION_ALGORITHMS} is not",
        expected=ASSERTION_ALGORITHMS,
        received=repr(value),
    )


@verifies("rfc8414-2-assertion-algorithm-not-none")
async def test_algorithms_of_client_assertions_do_not_include_none(target: Target) -> None:
    """The algorithms that are listed for client assertions do not include none."""
    value = _member(target, ASSERTION_ALGORITHMS)
    expect.that(
        not (isinstance(value, list) and any(isinstance(alg, str) and alg.lower() == "none" for alg in value)),
        "none-listed",
        f"{ASSERTION_ALGORITHMS} has none",
        expected="algorithms that sign",
        received=repr(value),
    )


@verifies("rfc8414-2-assertion-algorithm-rs256")
async def test_rs256_is_among_the_algorithms_of_client_assertions(target: Target) -> None:
    """Where algorithms for private_key_jwt are listed, RS256 is among them."""
    if "private_key_jwt" not in _with_assertions(target):
        raise NotApplicable("the metadata does not list private_key_jwt")
    value = _member(target, ASSERTION_ALGORITHMS)
    expect.that(
        isinstance(value, list) and "RS256" in value,
        "not-listed",
        f"RS256 is not among {value!r}",
        expected="RS256",
        received=repr(value),
    )


@verifies("rfc8414-2-member-types")
async def test_members_have_their_types(target: Target) -> None:
    """The members that are defined have the JSON type of their definition."""
    published = document(target)

    def right(name: str, value: object) -> bool:
        if name in LISTS:
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        if name in BOOLEANS:
            return isinstance(value, bool)
        return name not in STRINGS or isinstance(value, str)

    wrong = [name for name, value in published.items() if not right(name, value)]
    expect.that(
        not wrong,
        "wrong-type",
        f"{', '.join(wrong)}: the JSON type is another one than defined",
        expected="lists of strings, strings and booleans as defined",
        received=", ".join(f"{name}={json.dumps(published[name])[:60]}" for name in wrong),
    )


@verifies("rfc8414-2.1-signed-metadata")
async def test_signed_metadata_is_a_signed_jwt_with_iss(target: Target) -> None:
    """signed_metadata, where it is published, is a signed JWT with the claim iss."""
    value = str(_member(target, "signed_metadata"))
    head, _, rest = value.partition(".")
    try:
        header = json.loads(jws.from_base64url(head))
    except ValueError:
        header = {}
    alg = header.get("alg") if isinstance(header, dict) else None
    signed = bool(rest.partition(".")[2]) and isinstance(alg, str) and alg.lower() != "none"
    expect.that(
        signed and bool(jws.claims_of(value).get("iss")),
        "not-signed",
        "signed_metadata is no signed JWT with iss",
        expected="a JWT with a signature and iss",
        received=f"alg={alg}, claims {', '.join(jws.claims_of(value)) or 'none'}",
    )


# -- the document ----------------------------------------------------------------------------------------------------


def _fetched(target: Target) -> dict[str, Response]:
    """What was found where the metadata is looked for, places where there is nothing aside."""
    found = {url: response for url, response in target.metadata.responses.items() if response.status not in {404, 410}}
    if not found:
        raise no_metadata(target)
    return found


def _is_document(response: Response) -> bool:
    members = response.json_object()
    return members is not None and bool({"issuer", "token_endpoint"} & members.keys())


def _needs_document(fetched: dict[str, Response]) -> None:
    """Stop where nothing that was found is a document: what was asked of it is not seen."""
    if not any(_is_document(response) for response in fetched.values()):
        raise NotExercised("no answer at the places where the metadata may be is a metadata document")


@verifies("rfc8414-3-well-known-path")
async def test_metadata_lies_at_its_well_known_place(target: Target) -> None:
    """The document lies where the well-known suffix is put between host and path of the issuer."""
    issuer = target.profile.issuer
    if issuer is None:
        raise NotApplicable("the profile names no issuer that a place could be told from")
    if not target.metadata.document:
        raise no_metadata(target)
    if target.profile.metadata_url:
        raise NotApplicable("the profile says itself where the metadata is")
    path = split(issuer).path.rstrip("/")
    inserted = [url for url in well_known(issuer) if split(url).path.endswith(path) or not path]
    served = [url for url, response in target.metadata.responses.items() if _is_document(response)]
    appended = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    if target.has(Feature.OPENID) and appended in served and not any(url in inserted for url in served):
        raise NotApplicable("the metadata is that of an OpenID provider, at the place of OpenID Connect Discovery")
    expect.that(
        any(url in inserted for url in served),
        "other-place",
        f"the metadata lies at {', '.join(served)}",
        expected=inserted[0],
        received=", ".join(served),
    )


@verifies("rfc8414-3-https")
async def test_metadata_is_served_under_https(target: Target) -> None:
    """The document is served under https, without a detour over plain http."""
    fetched = _fetched(target)
    for url, response in fetched.items():
        _encrypted(target, url, "the document")
        if response.is_redirect and not target.metadata.document:
            _encrypted(target, response.header("location") or "", "where the document redirects to")
    _needs_document(fetched)


@verifies("rfc8414-3.2-status-200")
async def test_metadata_is_answered_with_200(target: Target) -> None:
    """The document is answered with the status 200, not with a redirect."""
    found, fetched = bool(target.metadata.document), _fetched(target)
    for url, response in fetched.items():
        expect.that(
            response.status == 200 or not (_is_document(response) or (response.is_redirect and not found)),
            f"status-{response.status}",
            f"{url} is answered with HTTP {response.status}",
            expected="HTTP 200",
            received=f"HTTP {response.status}",
        )
    _needs_document(fetched)


@verifies("rfc8414-3.2-media-type-json")
async def test_metadata_is_application_json(target: Target) -> None:
    """The document has the media type application/json."""
    fetched = _fetched(target)
    for url, response in fetched.items():
        expect.that(
            not _is_document(response) or response.media_type == "application/json",
            "other-media-type",
            f"{url} is {response.media_type or 'without a media type'}",
            expected="application/json",
            received=response.media_type or "none",
        )
    _needs_document(fetched)


@verifies("rfc8414-3.2-json-object")
async def test_metadata_is_a_json_object(target: Target) -> None:
    """The document is a JSON object."""
    fetched = {url: response for url, response in _fetched(target).items() if response.status == 200}
    for url, response in fetched.items():
        expect.that(
            response.media_type != "application/json" or response.json_object() is not None,
            "no-object",
            f"{url} is no JSON object",
            expected="one JSON object",
            received=response.text[:60],
        )
    _needs_document(fetched)


@verifies("rfc8414-3.2-no-empty-arrays")
async def test_no_member_is_an_empty_array(target: Target) -> None:
    """No member of the document is an empty array."""
    empty = [name for name, value in document(target).items() if value == []]
    expect.that(
        not empty,
        "empty-array",
        f"{', '.join(empty)} is empty",
        expected="members with values",
        received=", ".join(empty),
    )


@verifies("rfc8414-3.3-issuer-identical")
async def test_issuer_is_the_one_that_was_asked_for(target: Target) -> None:
    """issuer in every document is, character by character, the issuer that the document was asked for."""
    asked = target.profile.issuer
    if asked is None:
        raise NotApplicable("the profile names no issuer that could be compared")
    issuers = {
        url: members["issuer"]
        for url, response in _fetched(target).items()
        if (members := response.json_object()) and "issuer" in members
    }
    if not issuers:
        raise NotExercised("no document names an issuer")
    for url, issuer in issuers.items():
        if issuer != asked:
            raise Violation("other-issuer", f"{url} is of the issuer {issuer!r}", expected=asked, received=repr(issuer))


# -- transport -------------------------------------------------------------------------------------------------------


@verifies("rfc8414-6.1-tls12")
async def test_tls_12_is_supported(target: Target) -> None:
    """The server supports TLS 1.2."""
    parts = split(target.metadata.issuer or target.authorization_endpoint)
    if parts.scheme != "https" or not parts.hostname:
        raise NotApplicable("the target is not under https")
    expect.that(
        await tls.speaks(parts.hostname, parts.port or 443, ssl.TLSVersion.TLSv1_2),
        "no-tls-1.2",
        f"{parts.netloc} does not speak TLS 1.2",
        expected="TLS 1.2 beside newer versions",
        received="a failed handshake",
    )

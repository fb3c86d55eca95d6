"""Authorization server metadata (RFC 9126 section 5, RFC 8414)."""

from __future__ import annotations

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import roles
from conformance.http.message import Died, Request, split
from conformance.http.wire import Wire
from conformance.protocol.authorization import Authorization
from conformance.protocol.par import Par
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
MEMBER = "pushed_authorization_request_endpoint"


def no_metadata(target: Target) -> NotApplicable | NotExercised:
    """Why there is nothing to look at. A server need not publish metadata: then the profile names its endpoints."""
    named, answers = target.profile.endpoints, target.metadata.responses.values()
    told = named.authorization and named.token and named.pushed_authorization_request
    if told and answers and all(answer.status in {404, 410} for answer in answers):
        return NotApplicable("the server publishes no metadata, and the profile names its endpoints")
    return NotExercised("the server publishes no metadata at the places where it may be (RFC 8414 section 3)")


def document(target: Target) -> dict[str, object]:
    """The metadata. NotApplicable or NotExercised where the server has published none."""
    if not target.metadata.document:
        raise no_metadata(target)
    return dict(target.metadata.document)


@verifies("rfc9126-2-metadata-published", "atproto-oauth-pushed-authorization-requests-par-par-endpoint-in-metadata")
async def test_metadata_names_the_par_endpoint(target: Target) -> None:
    """The metadata names the pushed authorization request endpoint."""
    expect.that(
        MEMBER in target.metadata.document,
        "not-published",
        f"the metadata has no {MEMBER}",
        expected=f"the member {MEMBER}",
        received=", ".join(sorted(target.metadata.document)) or "no metadata",
    )


@verifies("rfc9126-5-endpoint-url", "atproto-oauth-pushed-authorization-requests-par-par-endpoint-in-metadata")
async def test_published_par_endpoint_is_an_absolute_url(target: Target) -> None:
    """What the metadata names as pushed authorization request endpoint is an absolute URL."""
    value = document(target).get(MEMBER)
    if value is None:
        raise NotApplicable(f"the metadata has no {MEMBER}")
    expect.that(
        isinstance(value, str) and target.metadata.url(MEMBER) is not None,
        "no-absolute-url",
        f"{MEMBER} is {value!r}",
        expected="a string with an absolute URL",
        received=repr(value),
    )


@verifies("rfc9126-2-endpoint-https")
async def test_par_endpoint_is_https(target: Target) -> None:
    """The pushed authorization request endpoint is an https URL."""
    parts = split(target.par_endpoint)
    issuer = split(target.metadata.issuer or target.par_endpoint)
    if parts.scheme == issuer.scheme == "http" and parts.hostname in LOOPBACK:
        raise NotApplicable("the target is on loopback over plain http, which says nothing about its real address")
    expect.that(
        parts.scheme == "https",
        "plain-http",
        f"the endpoint is {target.par_endpoint}",
        expected="https",
        received=parts.scheme,
    )


@verifies("rfc9126-2-no-plain-http")
async def test_par_endpoint_gives_nothing_over_plain_http(par: Par, target: Target, wire: Wire) -> None:
    """The same host and path give no request_uri over plain http."""
    parts = split(target.par_endpoint)
    if parts.scheme != "https":
        raise NotApplicable("the endpoint itself is plain http")
    role = "first"
    if parts.hostname not in LOOPBACK:
        if "public" not in target.profile.clients:
            raise NotApplicable("only a public client can be tried: no secret is sent in clear over a network")
        role = "public"
    await par.accepted(role)
    push = par.request(par.ordinary(role))
    plain = Request(
        push.method, parts._replace(scheme="http").geturl(), push.headers, push.content, fresh_connection=True
    )
    try:
        response = await wire.send(plain, purpose="push over plain http")
    except Died:
        return
    given = (response.json_object() or {}).get("request_uri")
    expect.that(
        not (200 <= response.status < 300 and given),
        "accepted",
        "a push over plain http brought a request_uri",
        expected="no answer, a redirect or an error",
        received=f"HTTP {response.status}",
    )


@verifies("rfc9126-5-require-par-boolean")
async def test_require_par_is_a_boolean(target: Target) -> None:
    """require_pushed_authorization_requests, where it is published, is a boolean."""
    published = document(target)
    if "require_pushed_authorization_requests" not in published:
        raise NotApplicable("the metadata does not have require_pushed_authorization_requests")
    value = published["require_pushed_authorization_requests"]
    expect.that(
        isinstance(value, bool),
        "no-boolean",
        f"the value is {value!r}",
        expected="true or false",
        received=repr(value),
    )


@verifies("rfc9126-2-methods-advertised")
@each(client=roles.confidential)
async def test_accepted_method_is_advertised(par: Par, target: Target, client: str) -> None:
    """A method that authenticates a client at the PAR endpoint stands in the metadata."""
    document(target)
    advertised = target.metadata.strings("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    answer = await par.accepted(client)
    method = answer.push.client.entry.auth
    expect.that(
        method in advertised,
        "not-advertised",
        f"{method} is accepted but not advertised",
        expected=f"{method} in token_endpoint_auth_methods_supported",
        received=", ".join(advertised),
    )


@verifies("rfc9126-5-endpoint-usable")
async def test_published_endpoints_belong_together(par: Par, authorization: Authorization, target: Target) -> None:
    """What the published PAR endpoint issues is usable at the authorization endpoint of the same metadata."""
    document(target)
    if target.metadata.url(MEMBER) is None or target.metadata.url("authorization_endpoint") is None:
        raise NotApplicable("the metadata does not name both endpoints")
    answer = expect.accepted(await par.push())
    expect.code(await authorization.open(answer))


@verifies("rfc9126-5-usable-regardless-of-metadata")
async def test_request_uri_is_usable_whatever_the_metadata_says_of_jar(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request_uri works also where the metadata switches request_uri off or wants registration."""
    off = target.metadata.flag("request_uri_parameter_supported", default=True) is False
    registered = target.metadata.flag("require_request_uri_registration")
    if not off and not registered:
        raise NotApplicable("the metadata neither switches request_uri off nor wants it registered")
    expect.code(await authorization.open(await par.accepted()))


@verifies("rfc8414-2-issuer-https")
async def test_issuer_is_an_https_url_without_query_and_fragment(target: Target) -> None:
    """The issuer identifier is an https URL without query and fragment."""
    issuer = document(target).get("issuer")
    parts = split(issuer) if isinstance(issuer, str) else split("")
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        raise NotApplicable("the target is on loopback over plain http, which says nothing about its real address")
    expect.that(
        parts.scheme == "https" and bool(parts.hostname) and "?" not in str(issuer) and "#" not in str(issuer),
        "wrong-issuer",
        f"the issuer is {issuer!r}",
        expected="an https URL without query and fragment",
        received=repr(issuer),
    )

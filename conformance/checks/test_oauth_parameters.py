"""Parameters of a pushed request as OAuth has them: empty, unknown, repeated, missing (RFC 6749 section 3)."""

from __future__ import annotations

import secrets
from urllib.parse import quote

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.test_pushed_request import ATTACKER, refuse_unregistered
from conformance.http.message import split
from conformance.profile.model import Client, Profile
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Change, Par
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation


@verifies("rfc6749-3.1-empty-parameter-omitted")
@each(name=("prompt", "max_age", "response_mode", "acr_values", "request", "dpop_jkt", "x_par_conformance"))
async def test_empty_parameter_does_no_harm(par: Par, authorization: Authorization, name: str) -> None:
    """An optional parameter that is pushed without a value is as if it had not been sent."""
    usual = par.ordinary()
    if usual.value(name) is not None or (usual.inside and name == "request"):
        raise NotApplicable(f"the first client's ordinary request cannot do without {name}")
    await flows.tolerated(par, authorization, await par.push(**{name: ""}))


@verifies("rfc6749-3.1-empty-parameter-omitted")
async def test_empty_state_does_not_come_back(par: Par, authorization: Authorization) -> None:
    """A state that is pushed without a value does not come back."""
    answer = await par.push(state="")
    if answer.refused:
        expect.control_accepted(answer)
        raise NotApplicable(f"this server wants a state: {answer.summary}")
    outcome = await authorization.code(expect.accepted(answer))
    expect.that(
        "state" not in outcome.parameters,
        "empty-value-used",
        "a state without a value came back",
        expected="no state",
        received="an empty state",
    )


@verifies("rfc6749-3.1-empty-parameter-omitted")
@each(name=("response_type", "redirect_uri"))
async def test_empty_parameter_is_missing(par: Par, authorization: Authorization, target: Target, name: str) -> None:
    """A required parameter that is pushed without a value is missing."""
    if name == "redirect_uri" and len(target.client("first").entry.redirect_uris) < 2:
        raise NotApplicable("the first client need not say its only redirect URI")
    await flows.no_code(par, authorization, await par.push(**{name: ""}))


@verifies("rfc6749-3.1-unknown-parameter-ignored")
@each(client=flows.first_and_public)
async def test_unknown_parameter_is_ignored(par: Par, authorization: Authorization, client: str) -> None:
    """A push with parameters that nobody knows is accepted, and they do not come back."""
    answer = await par.push(client, x_par_conformance="any", par_conformance="other")
    outcome = await flows.tolerated(par, authorization, answer)
    expect.that(
        not {"x_par_conformance", "par_conformance"} & set(outcome.parameters),
        "parameter-used",
        "an unknown parameter came back",
        expected="the parameters of the response",
        received=", ".join(outcome.parameters),
    )


@verifies("rfc6749-3.1-unknown-parameter-ignored")
async def test_names_of_parameters_are_case_sensitive(par: Par, authorization: Authorization) -> None:
    """A parameter whose name is a known one in another case is an unknown one (RFC 6749 section 1.9)."""
    state = "state-" + secrets.token_urlsafe(12)
    answer = await par.push(state=state, STATE="par-conformance", State="par-conformance", Redirect_Uri=ATTACKER)
    outcome = await flows.tolerated(par, authorization, answer)
    expect.that(
        outcome.parameters.get("state") == state,
        "parameter-used",
        "a parameter named STATE or State was used as the state",
        expected=state,
        received=outcome.parameters.get("state"),
    )


@verifies("rfc6749-3.1-repeated-parameter-refused")
@each(
    name=(
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
    ),
    values=("different", "same"),
)
async def test_repeated_parameter_is_refused(
    par: Par, authorization: Authorization, target: Target, name: str, values: str
) -> None:
    """A push in which a parameter stands twice is refused, with two values or the same one twice."""
    right = par.ordinary().value(name)
    if right is None or par.ordinary().inside:
        raise NotApplicable(f"the first client's ordinary request has no {name} in its form")
    others = {
        "response_type": "token",
        "client_id": target.profile.clients["second"].client_id if "second" in target.profile.clients else "other",
        "redirect_uri": ATTACKER,
        "scope": "par-conformance",
    }
    other = right if values == "same" else others.get(name, right[:-1] + ("A" if right[-1] != "A" else "B"))
    await flows.no_code(par, authorization, await par.push(**{name: [right, other]}))


@verifies("rfc6749-3.1-repeated-parameter-refused")
async def test_repeated_parameter_with_the_right_value_last_is_refused(par: Par, authorization: Authorization) -> None:
    """A push in which redirect_uri stands twice is refused, whichever of them is the registered one."""
    right = par.ordinary().value("redirect_uri") or ""
    if par.ordinary().inside:
        raise NotApplicable("the first client's parameters stand in a request object")
    await flows.no_code(par, authorization, await par.push(redirect_uri=[ATTACKER, right]))


@verifies("rfc6749-3.1-repeated-request-uri-refused")
@each(name=("request_uri", "client_id"), order=("own-first", "own-last"))
async def test_repeated_parameter_beside_a_request_uri_brings_no_code(
    par: Par, authorization: Authorization, target: Target, name: str, order: str
) -> None:
    """An authorization request in which request_uri or client_id stands twice brings no code."""
    answer = await par.accepted()
    if name == "request_uri":
        own, other = answer.request_uri or "", (await par.accepted("second")).request_uri or ""
    else:
        own, other = answer.push.client.client_id, target.client("second").client_id
    values = [own, other] if order == "own-first" else [other, own]
    outcome = await authorization.open(answer, query={name: values})
    expect.no_code(outcome, control=await authorization.open(await par.accepted()))


@verifies("rfc6749-3.1-repeated-request-uri-refused")
async def test_request_uri_that_is_given_twice_brings_no_code(par: Par, authorization: Authorization) -> None:
    """An authorization request in which the same request_uri stands twice brings no code."""
    answer = await par.accepted()
    uri = answer.request_uri or ""
    outcome = await authorization.open(answer, query={"request_uri": [uri, uri]})
    expect.no_code(outcome, control=await authorization.open(await par.accepted()))


@verifies("rfc6749-3.1.1-response-type-required")
async def test_oauth_request_without_response_type_brings_no_code(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request without response_type brings no code, OpenID Connect aside."""
    scope = flows.without_openid(target.client("first").entry)
    push = par.ordinary(scope=scope, nonce=None, response_type=None)
    answer = await par.send(push, control=lambda: par.ordinary(scope=scope, nonce=None))
    await flows.no_code(par, authorization, answer)


def relative_uris(profile: Profile) -> dict[str, str]:
    """The first client's redirect URI without its beginning."""
    parts = split(profile.clients["first"].redirect_uris[0])
    path = parts.path or "/"
    return {
        "path": path,
        "no-scheme": f"//{parts.netloc}{path}",
        "host-and-path": f"{parts.netloc}{path}",
        "name": path.rsplit("/", 1)[-1] or "callback",
    }


@verifies("rfc6749-3.1.2-redirect-uri-absolute")
@each(redirect_uri=relative_uris)
async def test_relative_redirect_uri_brings_no_code(par: Par, authorization: Authorization, redirect_uri: str) -> None:
    """A redirect_uri that is no absolute URI brings no code."""
    await flows.no_code(par, authorization, await par.push(redirect_uri=redirect_uri))


@verifies("rfc6749-3.1.2-redirect-uri-fragment-refused")
@each(client=flows.first_and_public)
async def test_redirect_uri_with_a_fragment_brings_no_code(
    par: Par, authorization: Authorization, target: Target, client: str
) -> None:
    """A redirect_uri with a fragment brings no code, even where the rest of it is registered."""
    redirect_uri = target.client(client).redirect_uri + "#par-conformance"
    await flows.no_code(par, authorization, await par.push(client, redirect_uri=redirect_uri))


def with_query(profile: Profile) -> dict[str, tuple[str, str]]:
    """A client that has registered a redirect URI with a query: its role and that redirect URI."""
    for role, client in profile.clients.items():
        for uri in client.redirect_uris:
            if split(uri).query:
                return {role: (role, uri)}
    return {}


@verifies("rfc6749-3.1.2-redirect-uri-query-kept")
@each(registered=with_query)
async def test_query_of_the_redirect_uri_is_kept(
    par: Par, authorization: Authorization, registered: tuple[str, str]
) -> None:
    """The query of a registered redirect_uri is kept when code and state are added."""
    role, redirect_uri = registered
    answer = await par.accepted(role, redirect_uri=redirect_uri)
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE:
        raise NotExercised(f"the request brought no code: {outcome.summary}")
    went_to, kept = split(outcome.location or ""), split(redirect_uri).query
    expect.that(
        outcome.mode == "form_post" or went_to.query == kept or went_to.query.startswith(kept + "&"),
        "query-lost",
        "the query of the redirect_uri did not come back",
        expected=kept,
        received=went_to.query.partition("code=")[0] or "nothing before code",
    )


def with_several(profile: Profile) -> dict[str, str]:
    """A client that has registered several redirect URIs."""
    found = [role for role, client in profile.clients.items() if len(client.redirect_uris) > 1]
    return {found[0]: found[0]} if found else {}


@verifies("rfc6749-3.1.2.3-redirect-uri-required")
@each(client=with_several)
async def test_missing_redirect_uri_brings_no_code_where_it_cannot_be_told(
    par: Par, authorization: Authorization, target: Target, client: str
) -> None:
    """A push without redirect_uri brings no code where the client has registered several."""
    changes: dict[str, Change] = {"scope": flows.without_openid(target.client(client).entry), "nonce": None}
    push = par.ordinary(client, **changes, redirect_uri=None)
    answer = await par.send(push, control=lambda: par.ordinary(client, **changes))
    await flows.no_code(par, authorization, answer)


def one_sign_apart(profile: Profile) -> dict[str, str]:
    """Redirect URIs that mean the same as the registered one to a lenient reader, and are another string."""
    registered = profile.clients["first"].redirect_uris[0]
    parts = split(registered)
    head, _, last = registered.rpartition("/")
    port = f"{parts.netloc}:{443 if parts.scheme == 'https' else 80}"
    changes = {
        "scheme-case": registered.replace(parts.scheme, parts.scheme.upper(), 1),
        "host-case": registered.replace(parts.netloc, parts.netloc.upper(), 1),
        "path-case": f"{head}/{last.swapcase()}",
        "default-port": registered if parts.port else registered.replace(parts.netloc, port, 1),
        "trailing-slash": registered + "/",
        "percent-encoded": f"{head}/%{ord(last[0]):02X}{last[1:]}" if last else registered,
        "dot-segment": f"{head}/./{last}",
        "empty-query": registered + "?",
        "one-sign-less": registered[:-1],
        "space": registered + quote(" "),
    }
    taken = {uri for client in profile.clients.values() for uri in client.redirect_uris}
    return {name: uri for name, uri in changes.items() if uri not in taken}


@verifies("rfc6749-3.1.2.3-simple-string-comparison", "rfc9700-2.1-redirect-uri-exact")
@each(redirect_uri=one_sign_apart)
async def test_redirect_uri_is_compared_sign_by_sign(
    par: Par, authorization: Authorization, target: Target, redirect_uri: str
) -> None:
    """A redirect_uri that equals the registered one only after normalization brings no code."""
    refuse_unregistered(target, "first")
    await flows.no_code(par, authorization, await par.push(redirect_uri=redirect_uri))


@verifies("rfc6749-3.3-scope-order-irrelevant")
async def test_order_of_scope_values_makes_no_difference(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A scope whose values are turned around is granted like the ordinary one."""
    values = _scope(target.client("first").entry)
    if len(values) < 2:
        raise NotApplicable("the first client's scope has one value only")
    turned = expect.accepted(await par.push(scope=" ".join(reversed(values))))
    outcome = await flows.tolerated(par, authorization, turned)
    granted = flows.granted(await token.redeem(outcome, turned.push)).scope or set(values)
    usual = flows.granted(await flows.redeemed(par, authorization, token)).scope or set(values)
    expect.that(
        granted == usual,
        "other-scope",
        "another scope was granted when its values came in another order",
        expected=" ".join(sorted(usual)),
        received=" ".join(sorted(granted)),
    )


def _scope(entry: Client) -> list[str]:
    return (entry.scope or "").split()


@verifies("rfc6749-3.3-scope-has-case")
async def test_scope_value_in_capitals_is_another_value(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A scope value in capitals is another value: it is refused or left out, and not granted in small letters."""
    client = target.client("first")
    values = _scope(client.entry)
    own = next((value for value in reversed(values) if value != value.upper()), None)
    if own is None:
        raise NotApplicable("the first client's scope has no small letter")
    rest = " ".join(value for value in values if value != own) or None
    usual = flows.granted(await flows.redeemed(par, authorization, token)).scope or set(values)
    answer = await par.push(scope=" ".join(value.upper() if value == own else value for value in values))
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE:
        return
    granted = await flows.redeemed_or_refused(par, authorization, token, outcome, answer.push)
    if own not in (granted.scope or set()):
        return
    without = await flows.taken(par, client, "a scope without it", scope=rest, **_no_nonce(rest))
    spared = await token.redeem(await authorization.code(without), without.push)
    if own in (spared.scope or set()) or own not in usual:
        raise NotApplicable(f"{own} is granted whether it is asked for or not")
    raise Violation(
        "other-scope",
        f"{own.upper()} was asked for, and {own} was granted",
        expected=f"a refusal, or a scope without {own}",
        received=" ".join(sorted(granted.scope or ())),
    )


def _no_nonce(scope: str | None) -> dict[str, Change]:
    return {} if "openid" in (scope or "").split() else {"nonce": None}


@verifies("rfc6749-3.3-scope-difference-told")
@each(which=("unknown", "forbidden"))
async def test_other_scope_than_the_pushed_one_is_told(
    par: Par, authorization: Authorization, token: Token, target: Target, which: str
) -> None:
    """Where less is granted than was pushed, the token response says what."""
    entry = target.client("first").entry
    beyond = entry.forbidden_scope if which == "forbidden" else f"par-conformance-{secrets.token_hex(4)}"
    if beyond is None:
        raise NotApplicable("the profile names no scope that the first client must not be granted")
    answer = await par.push(scope=" ".join([*_scope(entry), beyond]))
    if not answer.accepted:
        expect.refused(answer)
        raise NotApplicable("a scope that cannot be granted is refused, not left out")
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE:
        raise NotApplicable(f"a scope that cannot be granted is refused, not left out: {outcome.summary}")
    tokens = flows.granted(await token.redeem(outcome, answer.push))
    if tokens.scope is not None:
        return
    told = await token.introspect(str(tokens.json.get("access_token")), answer.push.client)
    granted = (told or {}).get("scope")
    if not isinstance(granted, str) or beyond in granted.split():
        raise NotApplicable("nothing shows that less was granted than was pushed")
    expect.that(
        False,
        "not-told",
        f"the token response has no scope, although {beyond} was not granted",
        expected="scope",
        received=", ".join(tokens.json),
    )


@verifies("rfc6749-3.3-missing-scope-handled")
async def test_missing_scope_is_handled(par: Par, authorization: Authorization, token: Token) -> None:
    """A push without scope is carried out with a default, or refused in a way that speaks of the scope."""
    answer = await par.push(scope=None, nonce=None)
    if answer.accepted:
        outcome = await authorization.open(answer)
        if outcome.ending is Ending.CODE:
            expect.redeemed(
                await token.redeem(outcome, answer.push), control=await flows.redeemed(par, authorization, token)
            )
            return
        error = outcome.error if outcome.ending is Ending.ERROR_REDIRECT else None
        if error is None:
            raise NotApplicable(f"the request was refused on a page, which tells the client nothing: {outcome.summary}")
    else:
        error = expect.refused(answer).error
    # A missing parameter, or nothing that could be granted, says as much as invalid_scope.
    expect.that(
        error in {"invalid_scope", "invalid_request", "access_denied"},
        "other-code",
        f"a request without scope is refused with {error}",
        expected="a default scope, or invalid_scope",
        received=error,
    )

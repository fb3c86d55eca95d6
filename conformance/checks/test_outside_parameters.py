"""What stands beside request_uri in the authorization request, parameter by parameter: only what was pushed counts.

Each parameter is tried with another value than the pushed one, where none was pushed, and empty; then all at once.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.test_beside_request_uri import with_outside
from conformance.checks.test_openid_claims import claims_supported
from conformance.checks.test_openid_prompt import logged_in
from conformance.checks.test_pushed_request import ATTACKER
from conformance.engine import CheckClock
from conformance.login import form as forms
from conformance.login.browser import Browser
from conformance.login.page import read
from conformance.profile.model import Feature
from conformance.protocol import pkce
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, Par, PushAnswer
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised, Violation

ESSENTIAL_AUTH_TIME = json.dumps({"id_token": {"auth_time": {"essential": True}}})
FOREIGN_RESOURCE = "https://par-conformance.example/from-the-query"


def _used(name: str, effect: str, received: str | None = None) -> Violation:
    return Violation(
        "query-used",
        f"the {name} of the query was used: {effect}",
        expected=f"the pushed {name}, or a refusal",
        received=received,
    )


# -- prompt and max_age ----------------------------------------------------------------------------------------------


@verifies("rfc9126-4-outside-value-without-effect", needs=Feature.OPENID, waits=True)
@each(
    change={
        "prompt": ({"prompt": "login"}, {"prompt": "none"}),
        "prompt-empty": ({"prompt": "login"}, {"prompt": ""}),
        "max_age": ({"max_age": "0"}, {"max_age": "86400"}),
        "max_age-empty": ({"max_age": "0"}, {"max_age": ""}),
    }
)
async def test_pushed_demand_for_a_login_is_not_lifted(
    par: Par,
    authorization: Authorization,
    target: Target,
    clock: CheckClock,
    change: tuple[dict[str, Change], dict[str, Change]],
) -> None:
    """A pushed prompt=login or max_age=0 is not lifted by another value, or an empty one, in the query."""
    pushed, outside = change
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client, clock)
    asked = await flows.taken(par, client, "the demand for a login", **pushed)
    outcome = await authorization.open(asked, browser=browser, stop="login", query=outside)
    if outcome.granted:
        control = await authorization.open(await par.accepted(client, **pushed), browser=browser, stop="login")
        if control.ending is not Ending.LOGIN_ASKED:
            raise NotApplicable(
                "the pushed demand for a login is not met without the query either, which is a finding of its own"
            )
        # The login is older now than at the first attempt: only like can be compared with like.
        answer = await par.accepted(client, **pushed)
        again = await authorization.open(answer, browser=browser, stop="login", query=outside)
        if again.granted:
            raise _used(next(iter(outside)), "a code came without the login that was pushed")


@verifies("rfc9126-4-outside-parameter-not-merged", needs=Feature.OPENID, waits=True)
@each(outside={"prompt": {"prompt": "login"}, "max_age": {"max_age": "0"}})
async def test_demand_for_a_login_is_not_added(
    par: Par, authorization: Authorization, target: Target, clock: CheckClock, outside: dict[str, Change]
) -> None:
    """A prompt=login or max_age=0 in the query is not taken where none was pushed."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client, clock)
    alone = await authorization.open(await par.accepted(client), browser=browser, stop="login")
    if alone.ending is Ending.LOGIN_ASKED:
        raise NotApplicable("the login has ended meanwhile: some servers let a person be logged in once at a time")
    outcome = await authorization.open(await par.accepted(client), browser=browser, stop="login", query=outside)
    if outcome.ending is not Ending.LOGIN_ASKED:
        return
    # Some servers show their errors on the login page: only a login that leads to a code was asked for.
    again = await authorization.open(await par.accepted(client), browser=browser, query=outside)
    if again.ending is Ending.CODE:
        raise _used(next(iter(outside)), "a login was asked for in a browser in which somebody is logged in")


@verifies("rfc9126-4-outside-parameter-not-merged", needs=Feature.OPENID)
async def test_hint_of_another_person_is_not_added(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """An id_token_hint in the query that names another person is not taken where none was pushed."""
    client = flows.openid_client(target)
    browser = authorization.new_browser(flows.other_user(target))
    tokens = await flows.tokens(par, authorization, token, client, browser=browser)
    hint = tokens.json.get("id_token")
    if not isinstance(hint, str):
        raise NotExercised("no ID token came")
    own = await logged_in(par, authorization, client)
    outcome = await authorization.open(await par.accepted(client), browser=own, query={"id_token_hint": hint})
    if outcome.error in {"login_required", "interaction_required", "account_selection_required"}:
        raise _used("id_token_hint", "the person is not the one that it names", outcome.summary)


@verifies("rfc9126-4-outside-parameter-not-merged", needs=Feature.OPENID)
async def test_login_hint_is_not_added(par: Par, authorization: Authorization, target: Target) -> None:
    """A login_hint in the query does not fill the login form where none was pushed."""
    marker = f"par-conformance-{secrets.token_hex(6)}@client.example"
    client = flows.openid_client(target)
    outcome = await authorization.open(
        await par.accepted(client), browser=authorization.new_browser(), stop="login", query={"login_hint": marker}
    )
    if outcome.ending is not Ending.LOGIN_ASKED or outcome.page is None:
        raise NotApplicable(f"there is no login page: {outcome.summary}")
    form = forms.login_form(read(outcome.page.url, outcome.page.text))
    filled = [field.name for field in form.texts if field.attributes.get("value") == marker] if form else []
    if filled:
        raise _used("login_hint", f"it fills the field {filled[0]}")


# -- what is granted -------------------------------------------------------------------------------------------------


async def granted_beside(
    par: Par,
    authorization: Authorization,
    token: Token,
    answer: PushAnswer,
    browser: Browser | None = None,
    /,
    **outside: Change,
) -> TokenAnswer | None:
    """The tokens of a push that is opened with parameters beside it; None where the server refuses such a request."""
    outcome = await with_outside(par, authorization, answer, browser, **outside)
    if outcome is None:
        return None
    return await flows.redeemed_or_refused(par, authorization, token, outcome, answer.push)


@verifies("rfc9126-4-outside-parameter-not-merged", needs=Feature.OPENID)
async def test_claims_are_not_added(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """A claims parameter in the query is not taken where none was pushed."""
    claims_supported(target)
    client = flows.openid_client(target)
    usual = await flows.tokens(par, authorization, token, client)
    if "auth_time" in usual.id_token:
        raise NotApplicable("the ID token has auth_time whether it is asked for or not")
    tokens = await granted_beside(par, authorization, token, await par.accepted(client), claims=ESSENTIAL_AUTH_TIME)
    if tokens is not None and "auth_time" in tokens.id_token:
        raise _used("claims", "the ID token has the claim that only the query asks for")


@verifies("rfc9126-4-outside-value-without-effect", needs=Feature.OPENID)
@each(claims={"other": "{}", "empty": ""})
async def test_claims_do_not_win(
    par: Par, authorization: Authorization, token: Token, target: Target, claims: str
) -> None:
    """A claims parameter in the query, or an empty one, does not replace the pushed one."""
    claims_supported(target)
    answer = await par.accepted(flows.openid_client(target), claims=ESSENTIAL_AUTH_TIME)
    tokens = await granted_beside(par, authorization, token, answer, claims=claims)
    if tokens is not None and tokens.accepted and "auth_time" not in tokens.id_token:
        raise _used("claims", "the ID token lacks the claim that was pushed as essential")


def _with_resources(target: Target) -> tuple[RegisteredClient, list[str]]:
    found = [role for role, client in target.profile.clients.items() if client.resource]
    found.sort(key=lambda role: -len(target.profile.clients[role].resource or []))
    if not found:
        raise NotApplicable("no client of the profile has a `resource`")
    client = target.client(found[0])
    return client, list(client.entry.resource or [])


async def _audience(token: Token, tokens: TokenAnswer | None, client: RegisteredClient) -> set[str]:
    if tokens is None or not tokens.accepted:
        return set()
    found = await token.audience(tokens, client)
    if found is None:
        raise NotApplicable("neither the access token nor introspection shows for whom the token is")
    return found


@verifies("rfc9126-4-outside-value-without-effect", needs=Feature.RESOURCE_INDICATORS)
async def test_resource_does_not_win(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """A resource in the query does not replace or extend the pushed one."""
    client, resources = _with_resources(target)
    outside = resources[1] if len(resources) > 1 else FOREIGN_RESOURCE
    answer = await par.accepted(client, resource=resources[0])
    tokens = await granted_beside(par, authorization, token, answer, resource=outside)
    found = await _audience(token, tokens, client)
    if outside in found:
        raise _used("resource", "the access token is for it", " ".join(sorted(found)))


@verifies("rfc9126-4-outside-parameter-not-merged", needs=Feature.RESOURCE_INDICATORS)
async def test_resource_is_not_added(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """A resource in the query is not taken where none was pushed."""
    client, resources = _with_resources(target)
    # Without a resource nothing may be said: that it is said at all is shown with one that was pushed.
    await _audience(token, await flows.tokens(par, authorization, token, client, resource=resources[-1]), client)
    plain = await flows.tokens(par, authorization, token, client, resource=None)
    usual = await token.audience(plain, client) or set()
    answer = await par.accepted(client, resource=None)
    beside = await granted_beside(par, authorization, token, answer, resource=resources[-1])
    found = (await token.audience(beside, client) or set()) if beside is not None and beside.accepted else set()
    if resources[-1] in found - usual:
        raise _used("resource", "the access token is for it", " ".join(sorted(found)))


def _with_details(target: Target) -> tuple[RegisteredClient, str]:
    role = next((role for role, client in target.profile.clients.items() if client.authorization_details), None)
    if role is None:
        raise NotApplicable("no client of the profile has `authorization_details`")
    client = target.client(role)
    return client, json.dumps(client.entry.authorization_details)


@verifies("rfc9126-4-outside-parameter-not-merged", needs=Feature.RAR)
async def test_authorization_details_are_not_added(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """authorization_details in the query are not taken where none were pushed."""
    client, details = _with_details(target)
    answer = await par.push(client, authorization_details=None)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"this client has to push authorization_details: {answer.summary}")
    fresh = authorization.new_browser()
    tokens = await granted_beside(par, authorization, token, answer, fresh, authorization_details=details)
    if tokens is not None and tokens.json.get("authorization_details"):
        usual = await flows.tokens(
            par, authorization, token, client, browser=authorization.new_browser(), authorization_details=None
        )
        if usual.json.get("authorization_details"):
            raise NotApplicable("the server grants again what this person granted before, without a word of it")
        raise _used("authorization_details", "they were granted")


@verifies("rfc9126-4-outside-value-without-effect", needs=Feature.RAR)
async def test_authorization_details_do_not_win(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """authorization_details in the query do not replace or extend the pushed ones."""
    client, details = _with_details(target)
    doubled = json.dumps([*json.loads(details), *json.loads(details)])
    answer = await par.accepted(client, authorization_details=details)
    tokens = await granted_beside(par, authorization, token, answer, authorization_details=doubled)
    granted = tokens.json.get("authorization_details") if tokens is not None else None
    if isinstance(granted, list) and len(granted) > len(json.loads(details)):
        raise _used("authorization_details", "more was granted than was pushed")


@verifies("rfc9126-4-outside-parameter-not-merged")
async def test_scope_is_not_added(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """A scope in the query is not taken where none was pushed."""
    further = target.client("first").entry.further_scope
    if not further:
        raise NotApplicable("the profile names no further_scope for the first client")
    answer = await par.push(scope=None, nonce=None)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"this server wants a scope: {answer.summary}")
    plain = await authorization.open(await par.push(scope=None, nonce=None))
    if not plain.granted:
        raise NotApplicable(f"this server serves no request without a scope: {plain.summary}")
    tokens = await granted_beside(par, authorization, token, answer, scope=further)
    usual = (await flows.tokens(par, authorization, token, scope=None, nonce=None)).scope or set()
    if tokens is not None and (set(further.split()) & (tokens.scope or set())) - usual:
        raise _used("scope", f"{further} was granted", " ".join(sorted(tokens.scope or set())))


@verifies("rfc9126-4-outside-parameter-not-merged")
@each(redirect_uri=("registered", "attacker"))
async def test_redirect_uri_is_not_added(
    par: Par, authorization: Authorization, target: Target, redirect_uri: str
) -> None:
    """A redirect_uri in the query is not taken where none was pushed."""
    fitting = [role for role, client in target.profile.clients.items() if len(client.redirect_uris) == 1]
    if not fitting:
        raise NotApplicable("every client of the profile has several redirect URIs and must push one")
    client = target.client(fitting[0])
    changes: dict[str, Change] = {"scope": flows.without_openid(client.entry), "nonce": None}
    answer = await par.push(client, **changes, redirect_uri=None)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"this server wants a redirect_uri: {answer.summary}")
    own = set(client.entry.redirect_uris)
    others = [uri for entry in target.profile.clients.values() for uri in entry.redirect_uris if uri not in own]
    if redirect_uri == "registered" and not others:
        raise NotApplicable("the profile has no redirect URI of another client")
    outside = ATTACKER if redirect_uri == "attacker" else others[0]
    outcome = await authorization.open(answer, query={"redirect_uri": outside})
    if outcome.granted and (outcome.location or "").split("#")[0].split("?")[0] == outside.split("?")[0]:
        raise _used("redirect_uri", f"the code went to {outside}", outside)
    if not outcome.granted:
        await flows.code(par, authorization, client)


# -- all at once, empty, twice ----------------------------------------------------------------------------------------


def _values(change: Change) -> list[str]:
    return [change] if isinstance(change, str) else list(change or [])


async def only_the_pushed_counts(
    par: Par,
    authorization: Authorization,
    token: Token,
    answer: PushAnswer,
    outcome: Outcome | None,
    outside: Mapping[str, Change],
) -> None:
    """Nothing of what stood outside shows in the response or in the tokens: no value used, none taken away."""
    if outcome is None:
        return
    push = answer.push
    state, went_to = outcome.parameters.get("state"), (outcome.location or "").split("#")[0].split("?")[0]
    if "state" in outside and state != push.value("state") and (not state or state in _values(outside["state"])):
        raise _used("state", "the pushed one did not come back", state)
    if "redirect_uri" in outside and went_to != (push.value("redirect_uri") or went_to).split("?")[0]:
        raise _used("redirect_uri", f"the code went to {went_to}", went_to)
    tokens = await flows.redeemed_or_refused(par, authorization, token, outcome, push)
    pushed = set((push.value("scope") or "").split())
    beyond = {value for scope in _values(outside.get("scope")) for value in scope.split()} - pushed
    if beyond & (tokens.scope or set()):
        raise _used("scope", "more was granted than was pushed", " ".join(sorted(tokens.scope or set())))
    nonce = tokens.id_token.get("nonce")
    changed = "nonce" in outside and bool(tokens.id_token) and nonce != push.value("nonce")
    if changed and (not nonce or nonce in _values(outside["nonce"])):
        raise _used("nonce", "the ID token does not have the pushed one", str(nonce))


#: A POST whose form has client_id and request_uri: what stands outside is in its URL.
IN_URL = "POST-with-query"


async def beside(
    par: Par, authorization: Authorization, outside: Mapping[str, Change], method: str = "GET"
) -> tuple[PushAnswer, Outcome | None]:
    """An ordinary push that is opened with these parameters beside it; no outcome where the server refuses that.

    NotExercised where it refuses an ordinary one, too.
    """
    answer = await par.accepted()
    if method == IN_URL:
        outcome = await authorization.open(answer, method="POST", in_url=outside)
    else:
        outcome = await authorization.open(answer, method=method, query=outside)
    if outcome.granted and outcome.ending is not Ending.CODE:
        raise _used("response_type", f"the response is another one: {outcome.summary}", outcome.summary)
    if outcome.granted:
        return answer, outcome
    await flows.code(par, authorization)
    return answer, None


@verifies("rfc9126-4-outside-value-without-effect")
@each(method=("GET", "POST", IN_URL))
async def test_another_whole_request_has_no_effect(
    par: Par, authorization: Authorization, token: Token, target: Target, method: str
) -> None:
    """Another complete request beside request_uri changes neither the response nor the tokens."""
    entry = target.client("first").entry
    outside: dict[str, Change] = {
        "response_type": "code",
        "redirect_uri": entry.redirect_uris[-1],
        "state": "from-the-query",
        "nonce": "from-the-query",
        "scope": f"{entry.scope or ''} {entry.further_scope or ''}".strip() or None,
        "code_challenge": None,
        "response_mode": "query",
    }
    answer, outcome = await beside(par, authorization, outside, method)
    await only_the_pushed_counts(par, authorization, token, answer, outcome, outside)


@verifies("rfc9126-4-outside-value-without-effect")
@each(method=("GET", "POST", IN_URL))
async def test_challenge_of_another_whole_request_has_no_effect(
    par: Par, authorization: Authorization, token: Token, target: Target, method: str
) -> None:
    """The code_challenge of another complete request beside request_uri is not the one that the code is bound to."""
    if not target.client("first").entry.pkce:
        raise NotApplicable("the profile's first client does not use PKCE")
    other = par.ordinary()
    outside: dict[str, Change] = {**dict(other.inside or other.parameters)}
    del outside["client_id"]
    answer, outcome = await beside(par, authorization, outside, method)
    if outcome is None:
        return
    tokens = await flows.redeemed_or_refused(
        par, authorization, token, outcome, answer.push, code_verifier=other.verifier
    )
    if tokens.accepted:
        if (await flows.redeemed(par, authorization, token, code_verifier=pkce.new_verifier())).accepted:
            if not target.has(Feature.PKCE):
                raise NotApplicable("this server does not look at code_verifier, and promises nowhere to do so")
            raise NotApplicable("any verifier redeems a code, which is a finding of its own")
        raise _used("code_challenge", "its verifier redeems the code")


@verifies("rfc9126-4-outside-value-without-effect")
@each(name=("state", "redirect_uri", "scope", "nonce", "response_type", "response_mode"))
async def test_empty_value_takes_nothing_away(par: Par, authorization: Authorization, token: Token, name: str) -> None:
    """A parameter without a value beside request_uri takes nothing of the pushed request away."""
    outside: dict[str, Change] = {name: ""}
    answer, outcome = await beside(par, authorization, outside)
    await only_the_pushed_counts(par, authorization, token, answer, outcome, outside)


@verifies("rfc9126-4-outside-value-without-effect", needs=Feature.PKCE)
async def test_empty_challenge_does_not_switch_pkce_off(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """An empty code_challenge beside request_uri does not make the code redeemable without its verifier."""
    if not target.client("first").entry.pkce:
        raise NotApplicable("the profile's first client does not use PKCE")
    answer, outcome = await beside(par, authorization, {"code_challenge": "", "code_challenge_method": ""})
    if outcome is None:
        return
    tokens = await flows.redeemed_or_refused(par, authorization, token, outcome, answer.push, code_verifier=None)
    if tokens.accepted:
        control = await flows.redeemed(par, authorization, token, code_verifier=None)
        if control.accepted:
            raise NotApplicable("a code is redeemed without its verifier anyway, which is a finding of its own")
        raise _used("code_challenge", "the code was redeemed without the verifier")


@verifies("rfc9126-4-outside-value-without-effect")
@each(name=("state", "scope", "nonce"))
async def test_value_that_is_given_twice_has_no_effect(
    par: Par, authorization: Authorization, token: Token, name: str
) -> None:
    """A parameter that stands twice beside request_uri has no effect."""
    outside: dict[str, Change] = {name: ["from-the-query", "and-again"]}
    answer, outcome = await beside(par, authorization, outside)
    await only_the_pushed_counts(par, authorization, token, answer, outcome, outside)

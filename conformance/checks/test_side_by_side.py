"""Requests that are open at the same time, and clients that are nearly others, are not mixed (RFC 9126 section 2.2)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import details, flows, near
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Par, PushAnswer
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, Violation

STANDS_FOR = "rfc9126-2.2-request-uri-stands-for-request"


@verifies(STANDS_FOR)
@each(page=("login", "consent"), client=flows.first_and_public)
async def test_requests_that_are_open_in_one_browser_are_not_mixed(
    par: Par, authorization: Authorization, token: Token, page: str, client: str
) -> None:
    """A request that waits in one browser while another is finished there still ends as it was pushed itself."""
    browser = authorization.new_browser()
    if page == "consent":
        await authorization.code(await par.accepted(client), browser=browser)
    early = await par.accepted(client)
    late = await par.accepted(client, redirect_uri=par.client(client).entry.redirect_uris[-1])
    waiting = await authorization.open(early, browser=browser, stop="login" if page == "login" else "consent")
    if waiting.ending not in {Ending.LOGIN_ASKED, Ending.CONSENT_ASKED}:
        raise NotApplicable(f"there is no {page} page on which a request could wait: {waiting.summary}")
    control = await authorization.code(late, browser=browser)
    outcome = await authorization.go_on(early, waiting, browser)
    if not outcome.granted:
        return  # one request at a time is a limit, not a mix-up
    try:
        await _answers(token, outcome, early)
        await _answers(token, control, late)
    except Violation:
        await _is_answered_alone(par, authorization, token, client)
        raise


async def _is_answered_alone(par: Par, authorization: Authorization, token: Token, client: str) -> None:
    """The control: NotApplicable where a request that nothing was beside is not answered as it was pushed either."""
    answer = await par.accepted(client, redirect_uri=par.client(client).entry.redirect_uris[-1])
    outcome = await authorization.code(answer, browser=authorization.new_browser())
    try:
        await _answers(token, outcome, answer)
    except Violation as found:
        raise NotApplicable(f"alone it is no better, which is a finding of its own: {found.message}") from None


async def _answers(token: Token, outcome: Outcome, answer: PushAnswer) -> None:
    """The outcome has the state and the redirect_uri of this very push, its code the code_challenge and the nonce."""
    push = answer.push
    went_to = (outcome.location or "").split("#")[0].split("?")[0]
    _same("state", outcome.parameters.get("state"), push.value("state"))
    if push.value("redirect_uri"):
        _same("redirect_uri", went_to, (push.value("redirect_uri") or "").split("?")[0])
    tokens = await token.redeem(outcome, push)
    if not tokens.accepted:
        raise Violation(
            "not-redeemed",
            "the code of a request is not redeemed as it was pushed, once another one was open in the same browser",
            expected="tokens",
            received=tokens.summary,
        )
    if tokens.id_token and push.value("nonce"):
        _same("nonce", tokens.id_token.get("nonce"), push.value("nonce"))


def _same(name: str, got: object, pushed: str | None) -> None:
    if got != pushed:
        raise Violation(
            "mixed-up",
            f"the {name} is that of another request in the same browser",
            expected=f"{name}={pushed}",
            received=f"{name}={got}",
        )


@verifies(STANDS_FOR)
async def test_consent_is_given_to_the_request_of_the_page(par: Par, authorization: Authorization) -> None:
    """Of two clients' requests that wait for consent in one browser the one whose page is answered is granted."""
    browser = authorization.new_browser()
    await authorization.code(await par.accepted(), browser=browser)
    early, late = await par.accepted(), await par.accepted("second")
    waiting = await authorization.open(early, browser=browser, stop="consent")
    beside = await authorization.open(late, browser=browser, stop="consent")
    if waiting.ending is not Ending.CONSENT_ASKED or beside.ending is not Ending.CONSENT_ASKED:
        raise NotApplicable(f"there are no two consent pages: {waiting.summary}, {beside.summary}")
    outcome = await authorization.go_on(early, waiting, browser)
    if any(response.status < 300 for response in outcome.responses[1:]):
        raise NotApplicable("another page was shown before the end: what was agreed to there is not known")
    if outcome.granted:
        _same("state", outcome.parameters.get("state"), early.push.value("state"))


@verifies(STANDS_FOR)
@each(other=("first", "second"))
async def test_requests_with_the_same_state_are_not_mixed(
    par: Par, authorization: Authorization, token: Token, other: str
) -> None:
    """Two requests with the same state, of one client or of two, are carried out each as it was pushed."""
    early = await par.accepted()
    late = await flows.taken(par, other, "a state that came before", state=early.push.value("state"))
    control = await authorization.open(late)
    outcome = expect.code(await authorization.open(early), control=control)
    tokens = await token.redeem(outcome, early.push)
    expect.redeemed(tokens, control=await flows.redeemed(par, authorization, token))
    told = tokens.id_token.get("nonce")
    if told is not None:
        _same("nonce", str(told), early.push.value("nonce"))


@verifies(STANDS_FOR, needs=Feature.RAR)
async def test_details_of_two_requests_of_one_client_are_not_mixed(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """The authorization_details of a request are its own, though its client pushes others before it is opened."""
    entries = details.samples(target)
    word = details.wordiest(entries)
    other = word + "B"
    early = await details.asked(par, target, entries)
    late = await par.push(
        details.client_of(target), authorization_details=details.text(details.replaced(entries, word, other))
    )
    if not late.accepted:
        raise NotApplicable(f"nothing but the profile's own details is accepted: {late.summary}")
    tokens = flows.granted(await token.redeem(await authorization.code(early), early.push))
    granted = await details.needs_granted(token, tokens, early.push.client)
    _same("text of the authorization_details", other if other in details.texts_of(granted) else word, word)


@verifies("rfc6749-3.1-resource-owner-authenticated", needs=Feature.OPENID)
async def test_people_in_two_browsers_are_not_mixed(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """Who is logged in in one browser is still the person of its next code when another one has logged in elsewhere."""
    client = flows.openid_client(target)
    here, there = authorization.new_browser(), authorization.new_browser(flows.other_user(target))
    subjects = [
        (await flows.tokens(par, authorization, token, client, browser=browser)).id_token.get("sub")
        for browser in (here, there, here)
    ]
    if subjects[0] is None or subjects[0] == subjects[1]:
        raise NotApplicable("nothing tells one person from another")
    if subjects[2] == subjects[1]:
        raise Violation(
            "other-person",
            "the code is another person's, who has logged in in another browser",
            expected=f"sub={subjects[0]}",
            received=f"sub={subjects[2]}",
        )


def nearly(client_id: str, form: str, target: Target) -> str:
    """A client_id that nobody registered, and nearly this one. NotApplicable where there is none such."""
    value = {
        "other-case": client_id.swapcase(),
        "blank-added": client_id + " ",
        "longer": near.longer(client_id),
        "one-sign-less": client_id[:-1],
    }[form]
    if "://" in client_id:
        raise NotApplicable("a client_id that is a URL needs no registration: another one may be a client, too")
    if form == "other-case" and _is_uuid(client_id):
        raise NotApplicable("upper and lower case of a UUID are the same one")
    if not value or value in {entry.client_id for entry in target.profile.clients.values()}:
        raise NotApplicable(f"there is no unregistered client_id of this kind near {client_id!r}")
    return value


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@verifies("rfc9126-2.1-unknown-client-refused")
@each(client=flows.first_and_public, form=("other-case", "blank-added", "longer", "one-sign-less"))
async def test_client_id_that_is_nearly_registered_is_refused(par: Par, target: Target, client: str, form: str) -> None:
    """A push in the name of a client_id that nearly is a registered one is refused, right credentials or none."""
    own = par.client(client)
    named = own.entry.model_copy(update={"client_id": nearly(own.client_id, form, target)})
    other = replace(own, entry=named)
    expect.refused(await par.send(par.ordinary(other), control=lambda: par.ordinary(client)))


@verifies("rfc9126-2.2-bound-to-client")
@each(form=("other-case", "blank-added", "longer", "one-sign-less"))
async def test_request_uri_opened_with_nearly_its_client_id_brings_no_code(
    par: Par, authorization: Authorization, target: Target, form: str
) -> None:
    """A request_uri brings no code when it is opened with a client_id that nearly is the one of its client."""
    answer = await par.accepted()
    outcome = await authorization.open(answer, client_id=nearly(answer.push.client.client_id, form, target))
    expect.no_code(outcome, control=await authorization.open(await par.accepted()))

"""What a person agrees to, and that nobody agrees for them: consent in a real browser (RFC 9126, 6749, 9396, 9700)."""

from __future__ import annotations

import json

from conformance import expect
from conformance.browser.browser import Browser
from conformance.browser.tab import Tab
from conformance.browser.window import Window
from conformance.check import each, verifies
from conformance.checks import in_browser
from conformance.checks.test_privacy import occurs
from conformance.checks.test_pushed_request import ATTACKER
from conformance.profile.model import Feature
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Par, PushAnswer
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation

# -- the page shows what was pushed ---------------------------------------------------------------------------------


async def shown(tab: Tab, answer: PushAnswer, **query: str) -> set[str] | None:
    """The lines of a request's consent page; None where the server refuses the request with this query."""
    outcome = await tab.open(answer, stop="consent", query=query)
    if outcome.refused and query:
        return None
    in_browser.consent_asked(outcome)
    text = (await tab.view()).text
    return {line.strip() for line in text.splitlines() if line.strip()}


@verifies("rfc9126-4-outside-value-without-effect", "rfc9101-5-pushed-parameters-not-overridden-by-query")
async def test_consent_shows_the_pushed_values_and_not_those_of_the_query(
    par: Par, browser: Browser, target: Target
) -> None:
    """The consent page is the same whether or not scope, redirect_uri and others stand beside request_uri."""
    entry = target.client("first").entry
    wider = " ".join(filter(None, (entry.scope, entry.further_scope)))
    mark = in_browser.marker()
    beside = {"scope": wider, "redirect_uri": ATTACKER, "login_hint": mark, "claims": "", "resource": ATTACKER}
    beside = {name: value for name, value in beside.items() if value}
    tab = await browser.tab()
    usual = [await shown(tab, await par.accepted()) for _ in range(2)]
    for name, value in beside.items():
        lines = await shown(tab, await par.accepted(), **{name: value})
        if lines is None:
            continue
        new = lines - set().union(*filter(None, usual))
        # A page that differs by itself shows only what can be recognized.
        told = new if usual[0] == usual[1] else {line for line in new if _names(value, line)}
        expect.that(
            not told,
            "query-shown",
            f"the consent page shows the {name} of the query: {'; '.join(sorted(told))[:200]}",
            expected="the page of the pushed request",
            received="; ".join(sorted(told))[:200],
        )


def _names(value: str, line: str) -> bool:
    return any(word in line for word in {value, *value.split()} if len(word) > 3)


@verifies("rfc9396-3.1-consent-shows-details", needs=Feature.RAR)
async def test_consent_shows_the_pushed_details(par: Par, browser: Browser, target: Target) -> None:
    """The consent page shows what the pushed authorization_details ask for."""
    client = in_browser.client_with_details(target)
    details = in_browser.details_of(client)
    tab = await browser.tab()
    asked = await in_browser.at_consent(tab, await par.accepted(client, authorization_details=json.dumps(details)))
    text = (await tab.view()).text
    values = [value for name, value in in_browser.leaves(details) if name != "type" and len(value) > 2]
    values = values or [value for _, value in in_browser.leaves(details)]
    if not any(value in text for value in values):
        text = await in_browser.said_later(tab, asked)
    expect.that(
        any(value in text for value in values),
        "not-shown",
        "nothing of the authorization_details stands on the consent page",
        expected=f"one of {', '.join(values[:6])}",
        received="none of them",
    )


@verifies("rfc9396-12-query-cannot-change-pushed-details", needs=Feature.RAR)
async def test_consent_does_not_show_the_details_of_the_query(par: Par, browser: Browser, target: Target) -> None:
    """The consent page shows the pushed authorization_details and not others that stand beside request_uri."""
    client = in_browser.client_with_details(target)
    details = in_browser.details_of(client)
    mark = in_browser.marker()
    changed = json.dumps(_with_text(in_browser.details_of(client), mark))
    tab = await browser.tab()
    answer = await par.accepted(client, authorization_details=json.dumps(details))
    lines = await shown(tab, answer, authorization_details=changed)
    expect.that(
        lines is None or not any(mark in line for line in lines),
        "query-shown",
        "the consent page shows authorization_details of the query",
        expected="the pushed ones",
        received="those of the query",
    )


def _with_text(details: list[dict[str, object]], text: str) -> list[dict[str, object]]:
    """Details with one text exchanged. NotApplicable where they have none beside their type."""
    for entry in details:
        for name, value in entry.items():
            if name != "type" and isinstance(value, str):
                entry[name] = text
                return details
    raise NotApplicable("the authorization_details of the profile have no text that could be changed")


@verifies("rfc9396-12-markup-in-details-escaped", needs=Feature.RAR)
async def test_markup_in_details_is_shown_as_text(par: Par, browser: Browser, target: Target) -> None:
    """Markup in authorization_details does not become part of the consent page."""
    client = in_browser.client_with_details(target)
    details = _with_text(in_browser.details_of(client), in_browser.MARKUP)
    tab = await browser.tab()
    answer = await par.push(client, authorization_details=json.dumps(details))
    if not answer.accepted:
        raise NotApplicable(f"the server does not take such authorization_details: {answer.summary}")
    await in_browser.at_consent(tab, answer)
    expect.that(
        not await in_browser.has_markup(tab),
        "markup-alive",
        "markup of the authorization_details is part of the consent page",
        expected="text",
        received="elements of the page",
    )


# -- nobody else gives it --------------------------------------------------------------------------------------------


@verifies("rfc6749-10.12-consent-not-forgeable")
@each(form=("without-hidden-values", "of-the-attacker"))
async def test_page_of_another_site_cannot_give_consent(par: Par, browser: Browser, target: Target, form: str) -> None:
    """A form that a page of another site submits in a person's browser brings no code.

    It has all of the person's own form but its hidden values, or is what an attacker got for a flow of his own.
    """
    window = await browser.window()
    await in_browser.at_consent(window.first, await in_browser.asking(par, target))
    another = await browser.tab(_another_user(target))
    await in_browser.at_consent(another, await in_browser.asking(par, target))
    theirs, hidden, pressed = await in_browser.form_of(another)
    action, pairs, secret = theirs, (*hidden, *pressed), False
    if form == "without-hidden-values":
        action, _, pairs = await in_browser.form_of(window.first)
        secret = action != theirs  # the address is known to nobody else, for it is that of one attempt
    page = in_browser.other_site(target, "forge")
    await window.stage(page, in_browser.posting_page(action, pairs))
    other = await window.tab()
    await other.goto(page)
    if not await window.hears(action, "POST"):
        raise NotExercised("the browser did not submit the form of the other site")
    await other.settle()
    in_browser.needs_reach(window)
    outcome = other.arrival
    expect.that(
        secret or outcome is None or not outcome.granted,
        "consent-forged",
        "a form that another site submitted brought a code",
        expected="an error and no code",
        received=outcome.summary if outcome else None,
    )


def _another_user(target: Target) -> str:
    """Whoever the attacker is: another user of the profile, or the same one in a browser of his own."""
    user = target.profile.login.user
    return next((name for name in target.profile.users if name != user), user)


@verifies("rfc9700-4.16-clickjacking-prevented", "rfc6749-10.13-frames-refused")
@each(page=("login", "consent"))
async def test_no_browser_shows_the_page_in_a_frame(par: Par, browser: Browser, target: Target, page: str) -> None:
    """A real browser does not show the login or consent page in a frame of another site."""
    window = await browser.window(None if page == "login" else "")
    tab = window.first
    if page == "login":
        await in_browser.at_login(tab, await par.accepted())
    else:
        await in_browser.at_consent(tab, await in_browser.asking(par, target))
    authorization = browser.authorization
    inside = authorization.address(authorization.pairs(await par.accepted(), None, {}))
    outside = in_browser.other_site(target, "frame")
    await window.stage(outside, in_browser.framing_page(inside))
    other = await window.tab()
    await other.goto(outside)
    if not await window.hears(inside):
        raise NotExercised("the browser did not open the frame")
    view = await other.view()
    in_browser.needs_reach(window)
    framed = [control for form in view.forms.forms for control in form.controls]
    await other.picture(f"the {page} page inside a page of another site")
    expect.that(
        not framed,
        "can-be-framed",
        f"a browser shows the {page} page inside a page of another site",
        expected="an empty frame",
        received=", ".join(control.label or control.name for control in framed)[:200],
    )


# -- pages and cookies cannot be edited -------------------------------------------------------------------------------

_TAMPER = """
changes => {
  let touched = 0;
  for (const form of document.forms) {
    for (const [name, value] of Object.entries(changes)) {
      let field = form.querySelector(`input[name="${name}"]`);
      if (!field) {
        field = document.createElement('input');
        field.type = 'hidden';
        field.name = name;
        form.append(field);
      }
      field.value = value;
      touched += 1;
    }
  }
  return touched;
}
"""


@verifies("rfc9126-4-outside-value-without-effect")
@each(where=("forms", "cookies"))
async def test_pages_and_cookies_cannot_change_the_request(
    par: Par, browser: Browser, token: Token, target: Target, where: str
) -> None:
    """Values that a person edits into forms, hidden fields and cookies on the way do not change the pushed request."""
    entry = target.client("first").entry
    old, new = in_browser.marker(), in_browser.marker()
    registered = entry.redirect_uris[1] if len(entry.redirect_uris) > 1 else ATTACKER
    changes = {
        "state": new,
        "redirect_uri": registered,
        "client_id": target.profile.clients["second"].client_id if "second" in target.profile.clients else "other",
        "scope": " ".join(filter(None, (entry.scope, entry.further_scope))),
    }
    tab = await browser.tab()
    answer = expect.accepted(await par.push(state=old))
    outcome = await tab.open(answer, stop="login")
    if where == "cookies" and not await _cookies_edited(tab.window, old, new):
        raise NotApplicable("no cookie carries a value of the request")
    if where == "forms" and outcome.ending is Ending.LOGIN_ASKED:
        await tab.evaluate(_TAMPER, changes)
    outcome = await tab.walk(stop="consent")
    if where == "forms" and outcome.ending is Ending.CONSENT_ASKED:
        await tab.evaluate(_TAMPER, changes)
    outcome = await tab.walk()
    if not outcome.granted:
        in_browser.code_of(await (await browser.tab()).open(await par.accepted()))
        return
    await _unchanged(outcome, answer, token, entry.further_scope)


async def _cookies_edited(window: Window, old: str, new: str) -> bool:
    """Exchange a value in every cookie that carries it readably."""
    edited = False
    for cookie in await window.cookies():
        if old in cookie.get("value", ""):
            await window.plant([{**cookie, "value": cookie["value"].replace(old, new)}])
            edited = True
        elif occurs(old, cookie.get("value", "")):
            changed = in_browser.in_base64(cookie["value"], old, new)
            if changed is not None:
                await window.plant([{**cookie, "value": changed}])
                edited = True
    return edited


async def _unchanged(outcome: Outcome, answer: PushAnswer, token: Token, further: str | None) -> None:
    """What was granted is what was pushed."""
    went_to = (outcome.location or "").split("#")[0].split("?")[0]
    pushed = (answer.push.value("redirect_uri") or "").split("?")[0]
    if outcome.parameters.get("state") != answer.push.value("state") or went_to != pushed:
        raise Violation(
            "page-values-used",
            "a value that was edited on the way changed the response",
            expected=f"the pushed state, at {pushed}",
            received=f"the state {outcome.parameters.get('state')}, at {went_to}",
        )
    tokens = await token.redeem(outcome, answer.push)
    expect.that(
        not set((further or "").split()) & (tokens.scope or set()),
        "page-values-used",
        "a scope that was edited into a form was granted",
        expected="the pushed scope",
        received=" ".join(sorted(tokens.scope or set())),
    )

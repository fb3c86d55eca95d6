"""What checks in a real browser share: ways to a page of the server, and pages of another site."""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from conformance.browser.browser import Browser
from conformance.browser.leg import is_loopback
from conformance.browser.tab import Tab
from conformance.browser.window import Window
from conformance.http.message import Pairs, split
from conformance.login.page import read
from conformance.profile.model import Feature
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, Par, PushAnswer
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

#: Another site; no name below .example ever resolves, and the browser gets its pages from the suite.
OTHER_SITE = "attacker.example"
#: Ends whatever the markup stands in, and leaves an element that no server has.
MARKUP = "\"'></title></textarea></script><par-conformance></par-conformance><script>window.parConformance=1</script>"


def marker() -> str:
    """A value that is found again wherever it turns up."""
    return "marker" + secrets.token_hex(10)


def other_site(target: Target, path: str) -> str:
    """A URL of another site, under a scheme with which no rule about mixed content decides."""
    parts = split(target.authorization_endpoint)
    plain = parts.scheme == "http" and not is_loopback(parts.hostname or "")
    return f"{'http' if plain else 'https'}://{OTHER_SITE}/{path}"


def needs_reach(window: Window) -> None:
    """NotExercised where the browser keeps pages of other sites from the target's network, whatever the target does."""
    if window.kept_away:
        raise NotExercised("this browser keeps pages of other sites from the network that the target is in")


async def at_login(tab: Tab, answer: PushAnswer, **query: str) -> Outcome:
    """Open a request up to its login page. NotApplicable where a fresh window meets none."""
    outcome = await tab.open(answer, stop="login", query=query)
    if outcome.ending is Ending.LOGIN_ASKED:
        return outcome
    if outcome.ending in {Ending.STUCK, Ending.DIED}:
        raise NotExercised(f"the login page did not come: {outcome.summary}")
    raise NotApplicable(f"there is no login page: {outcome.summary}")


async def asking(par: Par, target: Target, client: str | RegisteredClient = "first", **changes: Change) -> PushAnswer:
    """A push that should lead to a consent page, by prompt=consent also where consent is remembered."""
    asked = target.client(client) if isinstance(client, str) else client
    if target.has(Feature.OPENID) and "openid" in (asked.entry.scope or "").split():
        anew: dict[str, Change] = {**changes, "prompt": "consent"}
        answer = await par.push(asked, **anew)
        if answer.accepted:
            return answer
    return await par.accepted(asked, **changes)


async def at_consent(tab: Tab, answer: PushAnswer, **query: str) -> Outcome:
    """Open a request up to its consent page. NotApplicable where nobody is asked."""
    return consent_asked(await tab.open(answer, stop="consent", query=query))


def consent_asked(outcome: Outcome) -> Outcome:
    """An outcome that is a consent page. NotApplicable where nobody was asked, NotExercised where it went wrong."""
    if outcome.ending is Ending.CONSENT_ASKED:
        return outcome
    if outcome.granted:
        raise NotApplicable("nobody is asked for consent, or not any more")
    raise NotExercised(f"the consent page did not come: {outcome.summary}")


async def said_later(tab: Tab, asked: Outcome) -> str:
    """What the pages say that come after the first one that asks: terms or an account may come before the rest."""
    end = await tab.walk()
    later = [response for response in end.responses[len(asked.responses) :] if response.status < 300]
    return " ".join(read(response.url, response.text).text for response in later)


async def logged_in(par: Par, browser: Browser, client: str | RegisteredClient = "first") -> Tab:
    """The tab of a window in which the profile's user has just been through an ordinary request."""
    tab = await browser.tab()
    code_of(await tab.open(await par.accepted(client)))
    return tab


def code_of(outcome: Outcome) -> Outcome:
    """An outcome with a code. NotExercised without one: nothing can be built on it."""
    if outcome.ending is not Ending.CODE:
        raise NotExercised(f"no authorization code came from an ordinary request: {outcome.summary}")
    return outcome


async def form_of(tab: Tab) -> tuple[str, Pairs, Pairs]:
    """The consent form of the page that is shown: where it posts to, its hidden fields, and what pressing its button
    adds. NotApplicable where consent is not given by a form that is posted."""
    found: dict[str, Any] | None = await tab.evaluate(
        """() => {
          const said = (owner, name) => Element.prototype.getAttribute.call(owner, name) || '';
          for (const form of document.forms) {
            const buttons = [...form.querySelectorAll('button, input[type=submit]')];
            if (said(form, 'method').toLowerCase() !== 'post' || !buttons.length) continue;
            if (form.querySelector('input[type=password]')) continue;
            const fields = [...form.querySelectorAll('input')];
            const pair = field => [field.name, field.value];
            return {
              action: new URL(said(form, 'action'), document.baseURI).href,
              hidden: fields.filter(field => field.type === 'hidden' && field.name).map(pair),
              shown: fields.filter(field => ['checkbox', 'text'].includes(field.type) && field.name).map(pair),
              button: buttons[0].name ? [pair(buttons[0])] : [],
            };
          }
          return null;
        }"""
    )
    if found is None:
        raise NotApplicable("consent is not given by a form that is posted")
    hidden = tuple((name, value) for name, value in found["hidden"])
    pressed = tuple((name, value) for name, value in [*found["shown"], *found["button"]])
    return found["action"], hidden, pressed


def posting_page(action: str, pairs: Pairs) -> str:
    """A page of another site that submits a form as soon as it is opened."""
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in pairs
    )
    return (
        f'<!doctype html><title>another site</title><form method="post" action="{html.escape(action)}">{fields}</form>'
        "<script>document.forms[0].submit()</script>"
    )


def framing_page(url: str) -> str:
    """A page of another site that shows an address in a frame."""
    return (
        "<!doctype html><title>another site</title><p>another site</p>"
        f'<iframe src="{html.escape(url)}" width="800" height="500"></iframe>'
    )


def details_of(client: RegisteredClient) -> list[dict[str, Any]]:
    """The authorization_details of a client, to be changed. NotApplicable where the profile gives it none."""
    given = client.entry.authorization_details
    if not given:
        raise NotApplicable(f"the client of the role {client.role!r} has no authorization_details in the profile")
    copied: list[dict[str, Any]] = json.loads(json.dumps(given))
    return copied


def client_with_details(target: Target) -> RegisteredClient:
    """A client that may ask with authorization_details. NotApplicable where the profile has none."""
    for role, entry in target.profile.clients.items():
        if entry.authorization_details:
            return target.client(role)
    raise NotApplicable("no client of the profile has authorization_details")


def leaves(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """The plain values inside of a structure, each with the name that it stands under."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, name)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield name, str(value)


async def has_markup(tab: Tab) -> bool:
    """Whether MARKUP has become part of the page, in any frame."""
    for frame in tab.page.frames:
        if not frame.is_detached() and await frame.locator("par-conformance").count():
            return True
    return bool(await tab.evaluate("() => window.parConformance === 1"))


def prefetching_page(url: str) -> str:
    """A page of another site whose next page is told to the browser, which may load it in advance."""
    return (
        '<!doctype html><title>another site</title><p>another site</p><link rel="prefetch" '
        f'href="{html.escape(url)}" as="document"><img alt="" src="{html.escape(url)}">'
    )


def in_base64(text: str, old: str, new: str) -> str | None:
    """A text in which a value inside base64 runs is exchanged, as in a cookie; None where it is in none."""
    found = False

    def exchanged(run: re.Match[str]) -> str:
        nonlocal found
        word = run[0]
        try:
            plain = base64.urlsafe_b64decode(word.replace("+", "-").replace("/", "_") + "=" * (-len(word) % 4))
        except ValueError:
            return word
        if old.encode() not in plain:
            return word
        found = True
        encoded = base64.urlsafe_b64encode(plain.replace(old.encode(), new.encode())).decode().rstrip("=")
        return encoded if not {"+", "/"} & set(word) else encoded.replace("-", "+").replace("_", "/")

    changed = re.sub(r"[A-Za-z0-9_\-+/]{16,}", exchanged, text)
    return changed if found else None


def carries(body: str, value: str) -> bool:
    """Whether a form or a JSON body carries a value, as it is or encoded."""
    return any(form in body for form in {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]})

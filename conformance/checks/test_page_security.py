"""Pages for login and consent, and the forms on them: frames, referrers, other sites, forgery (RFC 9700, RFC 6749)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urljoin

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.test_metadata import LOOPBACK
from conformance.http.message import Died, Pairs, Request, Response, split
from conformance.http.wire import Wire
from conformance.login import form as forms
from conformance.login.browser import Browser
from conformance.login.page import Form, Page, read
from conformance.login.walk import Walk
from conformance.protocol import client_auth
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Occasion
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised, Violation

#: Values of Referrer-Policy under which another site does not learn a page's path and query.
HIDING = frozenset(
    {
        "no-referrer",
        "same-origin",
        "strict-origin",
        "origin",
        "origin-when-cross-origin",
        "strict-origin-when-cross-origin",
    }
)
#: What old pages do against being framed: compare themselves with the topmost window.
_FRAME_BUSTING = re.compile(r"\b(?:self|window|top|parent)\b[\w.]*\s*[!=]==?\s*(?:window\.)?(?:self|top|parent)\b")
#: Elements by which a page loads something or leads somewhere, and the attribute that says from where.
_REFERENCES = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "link": "href",
    "a": "href",
    "embed": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "object": "data",
}

# -- pages -----------------------------------------------------------------------------------------------------------


async def walked(par: Par, authorization: Authorization, **changes: str | None) -> Outcome:
    """An ordinary flow in a fresh browser, login and consent included. NotExercised where it brings no code."""
    answer = await par.accepted(**changes)
    return await authorization.code(answer, browser=authorization.new_browser())


def pages(outcome: Outcome) -> list[Response]:
    """The pages with forms that a person met on the way: login, consent. NotApplicable without any."""
    last = outcome.responses[-1] if outcome.mode == "form_post" else None
    found = [
        response
        for response in outcome.responses
        if response is not last
        and not 300 <= response.status < 400  # what a redirect says in its body, nobody sees
        and response.media_type in {"text/html", "application/xhtml+xml"}
        and response.body
    ]
    if not found:
        raise NotApplicable("no page was met between the request and its answer")
    return found


def directive(response: Response, name: str) -> list[str] | None:
    """The values of a directive in a page's Content-Security-Policy; None where none has it."""
    for header in response.all("content-security-policy"):
        for policy in header.split(","):
            for part in policy.split(";"):
                words = part.split()
                if words and words[0].lower() == name:
                    return words[1:]
    return None


def framing_policy(response: Response) -> bool:
    """Whether Content-Security-Policy keeps other sites from framing a page, by a list that does not admit everyone."""
    ancestors = directive(response, "frame-ancestors")
    return ancestors is not None and not {"*", "http:", "https:"} & {word.lower() for word in ancestors}


def unframed(response: Response) -> bool:
    """Whether a page cannot be framed by another site, in one way or another."""
    options = {value.strip().upper() for header in response.all("x-frame-options") for value in header.split(",")}
    if framing_policy(response) or options & {"DENY", "SAMEORIGIN"}:
        return True
    return bool(_FRAME_BUSTING.search(response.text))


@verifies("rfc9700-4.16-clickjacking-prevented", "rfc6749-10.13-frames-refused")
async def test_pages_cannot_be_framed(par: Par, authorization: Authorization) -> None:
    """No page for login or consent can be framed by another site."""
    for page in pages(await walked(par, authorization)):
        expect.that(
            unframed(page),
            "can-be-framed",
            f"{_bare(page.url)} can be framed by other sites",
            expected="frame-ancestors, or X-Frame-Options",
            received=page.header("content-security-policy") or "no Content-Security-Policy, no X-Frame-Options",
        )


@verifies("rfc9700-4.16-content-security-policy")
async def test_pages_have_a_policy_for_frames(par: Par, authorization: Authorization) -> None:
    """Every page for login or consent has a Content-Security-Policy with frame-ancestors."""
    for page in pages(await walked(par, authorization)):
        expect.that(
            framing_policy(page),
            "no-policy",
            f"{_bare(page.url)} has no Content-Security-Policy that keeps other sites from framing it",
            expected="frame-ancestors 'none'",
            received=page.header("content-security-policy") or "no Content-Security-Policy",
        )


@verifies("rfc9700-4.2.4-referrer-suppressed")
async def test_pages_hide_their_url(par: Par, authorization: Authorization) -> None:
    """Every page for login or consent has a Referrer-Policy that hides its URL from other sites."""
    for page in pages(await walked(par, authorization)):
        said = [value.strip().lower() for header in page.all("referrer-policy") for value in header.split(",")]
        in_page = read(page.url, page.text).find("meta[name=referrer]")
        if in_page is not None:
            said.append(in_page.attributes.get("content", "").lower())
        expect.that(
            bool(said) and said[-1] in HIDING,
            "referrer-sent",
            f"{_bare(page.url)} does not hide its URL from the sites that it leads to",
            expected="Referrer-Policy: no-referrer",
            received=", ".join(said) or "no Referrer-Policy",
        )


@verifies("rfc9700-4.2.4-no-third-party-resources")
async def test_pages_use_no_other_site(par: Par, authorization: Authorization, target: Target) -> None:
    """No page for login or consent loads anything from another site, or links to one."""
    own = {split(url).hostname for url in (target.authorization_endpoint, target.metadata.issuer or "")}
    own |= set(target.profile.hosts)
    for page in pages(await walked(par, authorization)):
        own.add(split(page.url).hostname)
        foreign = sorted({url for url in _references(read(page.url, page.text)) if split(url).hostname not in own})
        expect.that(
            not foreign,
            "other-site",
            f"{_bare(page.url)} uses {', '.join(_bare(url) for url in foreign[:3])}",
            expected="scripts, styles, pictures and links of the server itself",
            received=", ".join(_bare(url) for url in foreign[:3]),
        )


def _references(page: Page) -> Iterator[str]:
    for element in page.elements:
        address = element.attributes.get(_REFERENCES.get(element.tag, ""), "")
        url = urljoin(page.url, address.strip()) if address else ""
        if split(url).scheme in {"http", "https"}:
            yield url


def _bare(url: str) -> str:
    return url.split("#")[0].split("?")[0]


@verifies("rfc6749-10.11-pages-over-tls")
async def test_every_page_is_under_https(par: Par, authorization: Authorization, target: Target) -> None:
    """Every page between the authorization endpoint and the client is served under https."""
    if _plain_loopback(target):
        raise NotApplicable("the target is on loopback over plain http, which says nothing about its real address")
    outcome = await authorization.open(await par.accepted(), browser=authorization.new_browser())
    for response in outcome.responses:
        onward = response.header("location") if response.is_redirect else None
        goes_to = urljoin(response.url, onward) if onward else response.url
        if goes_to == outcome.location:
            continue
        expect.that(
            split(goes_to).scheme == "https",
            "plain-http",
            f"a page on the way is {_bare(goes_to)}",
            expected="https",
            received=_bare(goes_to),
        )
    authorization.needs_code(outcome)


def _plain_loopback(target: Target) -> bool:
    parts = split(target.metadata.issuer or target.authorization_endpoint)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


@verifies("rfc6749-3.1-authorization-endpoint-tls")
async def test_authorization_endpoint_is_under_https_only(
    par: Par, authorization: Authorization, target: Target, wire: Wire
) -> None:
    """The authorization endpoint is an https URL, and the same address under plain http starts no flow."""
    url = _https(target, target.authorization_endpoint)
    answer = await par.accepted()
    pairs = f"client_id={answer.push.client.client_id}&request_uri={answer.request_uri}"
    plain = Request("GET", f"http{url.removeprefix('https')}?{pairs}", fresh_connection=True)
    try:
        response = await wire.send(plain, purpose="authorization request over plain http")
    except Died:
        return
    onward = urljoin(response.url, response.header("location") or "") if response.is_redirect else ""
    form = forms.login_form(read(response.url, response.text)) if response.status < 400 else None
    expect.that(
        form is None and (not onward or split(onward).scheme == "https"),
        "flow-started",
        f"the authorization endpoint works over plain http: HTTP {response.status}",
        expected="no answer, a redirect to https, or an error",
        received=f"HTTP {response.status} {_bare(onward)}".strip(),
    )


@verifies("rfc6749-3.2-token-endpoint-tls")
async def test_token_endpoint_is_under_https_only(
    par: Par, authorization: Authorization, token: Token, target: Target, wire: Wire
) -> None:
    """The token endpoint is an https URL, and the same address under plain http issues nothing."""
    url = _https(target, target.token_endpoint)
    role = "first" if split(url).hostname in LOOPBACK else "public"
    answer, outcome = await flows.code(par, authorization, target.client(role))
    client, push = answer.push.client, answer.push
    proof = client_auth.registered(Occasion(client, target, url, wire.clock.now()))
    form: Pairs = (
        ("grant_type", "authorization_code"),
        ("code", outcome.code or ""),
        ("redirect_uri", push.value("redirect_uri") or ""),
        ("code_verifier", push.verifier or ""),
        *client_auth.identification(client, proof),
        *proof.form,
    )
    headers = (*proof.headers, ("Content-Type", "application/x-www-form-urlencoded"))
    body = urlencode(form).encode()
    plain = Request("POST", f"http{url.removeprefix('https')}", headers, body, fresh_connection=True)
    try:
        response = await wire.send(plain, purpose="token request over plain http")
    except Died:
        return
    expect.that(
        "access_token" not in (response.json_object() or {}),
        "token-issued",
        "a token request over plain http was granted",
        expected="no answer, a redirect or an error",
        received=f"HTTP {response.status}",
    )
    await flows.tokens(par, authorization, token, client)


def _https(target: Target, url: str) -> str:
    """An endpoint that has to be under https. NotApplicable where the whole target is plain http on loopback."""
    if _plain_loopback(target):
        raise NotApplicable("the target is on loopback over plain http, which says nothing about its real address")
    parts = split(url)
    expect.that(
        parts.scheme == "https", "plain-http", f"the endpoint is {url}", expected="https", received=parts.scheme
    )
    return url


# -- forms -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoginAnswer:
    """The answer to a submitted password, and the password."""

    response: Response
    password: str


async def answers_to_login(par: Par, authorization: Authorization) -> tuple[list[LoginAnswer], Outcome]:
    """Every answer to a form with the person's password, in a fresh browser, and the end. NotExercised without any."""
    browser = authorization.new_browser()
    outcome = await authorization.open(await par.accepted(), browser=browser)
    password = browser.person.password if browser.person else ""
    found = [
        LoginAnswer(exchange.response, password)
        for exchange in authorization.wire.evidence.exchanges
        if exchange.purpose == "form"
        and exchange.response is not None
        and password in dict(parse_qsl(exchange.request.content.decode("utf-8", "replace"))).values()
    ]
    if not found:
        raise NotExercised("no form with the password was submitted")
    return found, outcome


@verifies("rfc9700-4.12-no-307", "fapi2-security-profile-5.3.2.2-no-307-after-credentials")
async def test_login_is_never_answered_with_307(par: Par, authorization: Authorization) -> None:
    """The answer to a login form is never a redirect by which a browser sends the form on."""
    answers, outcome = await answers_to_login(par, authorization)
    for answer in answers:
        status = answer.response.status
        expect.that(
            status not in {307, 308},
            f"status-{status}",
            f"the login form is answered with a redirect by HTTP {status}",
            expected="HTTP 303",
            received=f"HTTP {status}",
        )
    authorization.needs_code(outcome)


@verifies("rfc9700-4.12-see-other", "fapi2-security-profile-5.3.2.2-redirects-use-303")
async def test_login_is_answered_with_303(par: Par, authorization: Authorization) -> None:
    """Where the answer to a login form is a redirect, its status is 303."""
    answers, _ = await answers_to_login(par, authorization)
    redirects = [answer.response for answer in answers if answer.response.is_redirect]
    if not redirects:
        raise NotApplicable("the answer to the login form is no redirect")
    for response in redirects:
        expect.that(
            response.status == 303 or response.status in {307, 308},
            f"status-{response.status}",
            f"the login form is answered with HTTP {response.status}",
            expected="HTTP 303",
            received=f"HTTP {response.status}",
        )


@verifies("rfc9700-2.1-credentials-not-forwarded")
async def test_password_goes_nowhere_else(par: Par, authorization: Authorization, target: Target) -> None:
    """What a person types into the login page is sent on by no redirect: not as a form, nor in an address."""
    own = {split(target.authorization_endpoint).hostname, *target.profile.hosts}
    answers, outcome = await answers_to_login(par, authorization)
    for answer in answers:
        onward = urljoin(answer.response.url, answer.response.header("location") or "")
        resent = answer.response.status in {307, 308} and split(onward).hostname not in own
        carried = answer.response.is_redirect and answer.password in dict(parse_qsl(split(onward).query)).values()
        expect.that(
            not resent and not carried,
            "password-forwarded",
            f"the redirect after the login takes the password to {_bare(onward)}",
            expected="a redirect that browsers follow with GET",
            received=f"HTTP {answer.response.status}",
        )
    authorization.needs_code(outcome)


async def forged(par: Par, authorization: Authorization, target: Target) -> tuple[Outcome, str]:
    """A consent as another site would submit it: no hidden value, no cookie that stays at home; and its address."""
    browser = authorization.new_browser()
    answer = await par.accepted()
    asked = await authorization.open(answer, browser=browser, stop="consent")
    if asked.ending is not Ending.CONSENT_ASKED or asked.page is None:
        raise NotApplicable(f"there is no consent page: {asked.summary}")
    page = read(asked.page.url, asked.page.text)
    form = forms.consent_form(page)
    if form is None or form.method != "POST":
        raise NotApplicable("consent is not given by a form that is posted")
    foreign = Browser(None, (("Origin", "https://attacker.example"),), browser.cookies)
    for name in _kept_at_home(asked):
        foreign.cookies.forget(name)
    response = await foreign.submit(par.wire, form.action, "POST", _without_hidden(form), "forged consent", "")
    login = target.profile.login
    ends = [answer.push.value("redirect_uri") or ""]
    walk = Walk(par.wire, Browser(None, (), foreign.cookies), login, ends, {})
    return await walk.run(response), form.action


def _kept_at_home(outcome: Outcome) -> set[str]:
    """The cookies that a browser does not send with a form of another site (SameSite)."""
    found = set()
    for response in outcome.responses:
        for header in response.all("set-cookie"):
            pair, *attributes = header.split(";")
            if {"samesite=lax", "samesite=strict"} & {item.strip().lower() for item in attributes}:
                found.add(pair.partition("=")[0].strip())
    return found


def _without_hidden(form: Form) -> Pairs:
    hidden = {control.name for control in form.controls if control.kind == "hidden"}
    return tuple((name, value) for name, value in forms.consent_values(form) if name not in hidden)


@verifies("rfc6749-10.12-consent-not-forgeable")
async def test_consent_cannot_be_forged(par: Par, authorization: Authorization, target: Target) -> None:
    """A consent that another site submits, without what the server put into its page, brings no code."""
    outcome, address = await forged(par, authorization, target)
    if not outcome.granted:
        expect.no_code(outcome, control=await authorization.open(await par.accepted()))
        return
    _, again = await forged(par, authorization, target)
    if again != address:
        return  # the address itself is a secret of this one attempt
    raise Violation(
        "forgeable",
        f"a consent that another site can submit brought a code: {_bare(address)}",
        expected="a value in the form that another site does not know",
        received=outcome.summary,
    )


@verifies("rfc6749-10.14-input-escaped")
@each(name=("state", "login_hint", "x_par_conformance", "ui_locales", "nonce"))
async def test_markup_in_pushed_values_stays_text(par: Par, authorization: Authorization, name: str) -> None:
    """Markup in a pushed value is no markup on any page that a person sees, nor on an error page."""
    tag = f"x-par-{secrets.token_hex(4)}"
    answer = await par.push(**{name: f"\"'><{tag} onload=1>"})
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"markup in {name} is refused: {answer.summary}")
    outcome = await authorization.open(answer, browser=authorization.new_browser())
    for response in outcome.responses:
        shown = "html" in response.media_type and read(response.url, response.text).find(tag) is not None
        expect.that(
            not shown,
            "markup-shown",
            f"the pushed {name} becomes markup of {_bare(response.url)}",
            expected="escaped text, or nothing",
            received=f"<{tag}>",
        )
    if not outcome.granted:
        await flows.code(par, authorization)

"""What a person does in a browser: login and consent pages of all shapes, found by themselves or by steps."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from aiohttp.web import Request, Response, StreamResponse, json_response

from conformance.browser.browser import Browser
from conformance.login import totp
from conformance.protocol.outcome import Ending, Outcome
from conformance.report.record import CheckResult
from conformance.verdict import NotExercised
from tests.browser_kit import needs_browser, run_on
from tests.webserver import Answer

needs_browser()

PASSWORD = "correct horse battery staple"
CALLBACK = "https://client.example/callback"
SEED = base64.b32encode(b"a seed for one-time passwords").decode().rstrip("=")

Serve = Callable[[Answer], str]
Write = Callable[..., Path]


def html(text: str, status: int = 200) -> Response:
    """A page."""
    return Response(text=f"<!doctype html><title>page</title>{text}", content_type="text/html", status=status)


def leads(location: str = f"{CALLBACK}?code=the-code-of-the-test&state=1") -> Response:
    """A redirect."""
    return Response(status=303, headers={"Location": location})


class Pages:
    """A login in several pages: each is shown until a form with these fields comes to it."""

    def __init__(self, *pages: tuple[str, dict[str, str]], end: Response | None = None) -> None:
        self.pages = list(pages)
        self.end = end
        self.sent: list[dict[str, str]] = []

    async def __call__(self, request: Request) -> StreamResponse:
        if request.path.startswith("/.well-known") or request.path == "/favicon.ico":
            return Response(status=404)
        number = int(request.path.strip("/") or 0)
        if request.method == "POST":
            form = {name: values[0] for name, values in parse_qs(await request.text(), keep_blank_values=True).items()}
            self.sent.append(form)
            expected = self.pages[number][1]
            if {name: form.get(name) for name in expected} != expected:
                return html(self.pages[number][0].replace("<form", "<p>That was wrong.</p><form"))
            number += 1
            if number == len(self.pages):
                return leads() if self.end is None else self.end
            return leads(f"/{number}")
        return html(self.pages[number][0])


LOGIN = {"u": "alice", "p": PASSWORD}
CONSENT = (
    '<form method="post"><h1>A client asks</h1><label><input type="checkbox" name="offline"> Offline</label>'
    '<button name="answer" value="no">Cancel</button><button name="answer" value="yes">Allow</button></form>'
)

SHAPES: dict[str, tuple[tuple[str, dict[str, str]], ...]] = {
    "one page, then consent": (
        (
            '<form method="post"><label>User name <input name="u"></label>'
            '<input type="password" name="p"><button>Sign in</button></form>',
            LOGIN,
        ),
        (CONSENT, {"answer": "yes", "offline": "on"}),
    ),
    "name first, then password, then staying signed in": (
        ('<form method="post" novalidate><input type="email" name="u"><button>Next</button></form>', {"u": "alice"}),
        (
            '<form method="post"><input type="password" name="p"><a href="/forgot">Forgot?</a><button>Log in</button>'
            "</form>",
            {"p": PASSWORD},
        ),
        (
            '<form method="post"><h1>Stay signed in?</h1><button name="stay" value="no">No</button>'
            '<button name="stay" value="yes">Yes</button></form>',
            {"stay": "yes"},
        ),
    ),
    "password and hidden fields around a search and a button of a script": (
        (
            '<form action="/search"><input name="q"><button>Search</button></form>'
            '<form method="post"><input type="hidden" name="token" value="t"><input name="u" autocomplete="username">'
            '<input type="password" name="p"><button type="button">Show</button><input type="submit" value="Continue">'
            "</form>",
            {**LOGIN, "token": "t"},
        ),
    ),
}


def attempt(
    web: Serve,
    profile_at: Write,
    pages: Answer,
    *,
    deny: bool = False,
    user: str | None = "",
    totp_seed: Path | None = None,
    login: dict[str, object] | None = None,
) -> tuple[Outcome, CheckResult]:
    """Walk from the first page to the end in a real browser."""
    base = web(pages)
    found: list[Outcome] = []

    async def walks(browser: Browser) -> None:
        tab = await browser.tab(user)
        await tab.goto(f"{base}/")
        found.append(await tab.walk(deny=deny))
        if found[0].ending is Ending.STUCK:
            raise NotExercised(found[0].reason)

    changes: dict[str, object] = {"endpoints": {"pushed_authorization_request": f"{base}/par"}}
    if login is not None:
        changes["login"] = login
    if totp_seed is not None:
        first = {"username": "alice", "password": {"file": "password"}, "totp": {"file": str(totp_seed)}}
        changes["users"] = {"first": first}
    changes["limits"] = {"check_seconds": 60}
    result = run_on(profile_at(base, **changes), walks)
    assert found, result.message
    return found[0], result


@pytest.mark.parametrize("shape", SHAPES)
def test_ordinary_pages_need_no_description(shape: str, web: Serve, profile_at: Write) -> None:
    pages = Pages(*SHAPES[shape])

    outcome, result = attempt(web, profile_at, pages)

    assert outcome.code == "the-code-of-the-test", (outcome.summary, pages.sent, result.trace)
    assert len(pages.sent) == len(pages.pages), "every form was sent once"


def test_consent_can_be_refused(web: Serve, profile_at: Write) -> None:
    pages = Pages((CONSENT, {"answer": "no"}), end=leads(f"{CALLBACK}?error=access_denied"))

    outcome, _ = attempt(web, profile_at, pages, deny=True)

    assert outcome.error == "access_denied"
    assert pages.sent == [{"answer": "no"}]


def test_a_second_factor_is_made_from_its_seed(web: Serve, profile_at: Write, tmp_path: Path) -> None:
    seed = tmp_path / "totp"
    seed.write_text(SEED, encoding="ascii")
    pages = Pages(
        SHAPES["one page, then consent"][0],
        (
            '<form method="post"><label>Code <input name="k"></label><button>Verify</button></form>',
            {},
        ),
    )

    outcome, _ = attempt(web, profile_at, pages, totp_seed=seed)

    assert outcome.code
    assert pages.sent[1]["k"] in {totp.now(SEED, moment) for moment in _around()}


def _around() -> list[float]:
    return [time.time() + seconds for seconds in (-60, -30, 0)]


def test_a_login_in_a_frame_is_found(web: Serve, profile_at: Write) -> None:
    def answer(request: Request) -> StreamResponse:
        if request.path == "/":
            return html('<h1>Welcome</h1><iframe src="/frame" width="400" height="300"></iframe>')
        if request.path == "/frame":
            return html(
                '<form method="post" action="/done" target="_top"><input name="username">'
                '<input type="password" name="p"><button>Log in</button></form>'
            )
        return leads() if request.path == "/done" else Response(status=404)

    outcome, _ = attempt(web, profile_at, answer)

    assert outcome.code


def test_pages_that_a_script_builds_are_waited_for(web: Serve, profile_at: Write) -> None:
    script = """
    <div id="app"></div><script>
      setTimeout(() => {
        app.innerHTML = '<input placeholder="E-mail or user name" id="n"><button id="b">Next</button>';
        b.onclick = () => {
          app.innerHTML = '<input type="password" id="p"><div role="button" tabindex="0" id="c">Sign in</div>';
          c.onclick = () => fetch('/api', {method: 'POST', body: JSON.stringify({p: p.value})})
            .then(answer => answer.json()).then(told => { location = told.to; });
        };
      }, 300);
    </script>"""

    async def answer(request: Request) -> StreamResponse:
        if request.path == "/api":
            right = (await request.json())["p"] == PASSWORD
            return json_response({"to": f"{CALLBACK}#code=from-a-script" if right else "/wrong"})
        return html(script) if request.path == "/" else Response(status=404)

    outcome, result = attempt(web, profile_at, answer)

    assert outcome.code == "from-a-script", (outcome.summary, result.trace)
    assert outcome.mode == "fragment"


POSTED = html(
    f'<form method="post" action="{CALLBACK}"><input name="code" value="c1"></form>'
    "<script>document.forms[0].submit()</script>"
)


@pytest.mark.parametrize(
    ("end", "mode"),
    [
        (leads(f"{CALLBACK}?code=c1"), "query"),
        (leads(f"{CALLBACK}#code=c1"), "fragment"),
        (leads("com.example.app:/callback?code=c1"), "query"),
        (POSTED, "form_post"),
        (html(f'<meta http-equiv="refresh" content="0; url={CALLBACK}?code=c1">'), "query"),
        (html('<script>location = "com.example.app:/callback?code=c1"</script>'), "query"),
    ],
    ids=["query", "fragment", "app", "form_post", "refresh", "app-by-script"],
)
def test_the_way_back_is_caught_without_a_server(end: Response, mode: str, web: Serve, profile_at: Write) -> None:
    outcome, _ = attempt(web, profile_at, Pages(*SHAPES["one page, then consent"][:1], end=end))

    assert (outcome.ending, outcome.code, outcome.mode) == (Ending.CODE, "c1", mode)


# -- steps of the profile ------------------------------------------------------------------------------------------


def test_steps_describe_what_is_not_found_by_itself(web: Serve, profile_at: Write) -> None:
    pages = Pages(
        ('<a href="/1" id="way">Use another way</a>', {}),
        (
            '<form method="post"><input name="x1"><input name="x2" type="password">'
            '<button id="later">No</button></form>'
            "<script>setTimeout(() => { later.textContent = 'go'; later.className = 'ready' }, 200)</script>",
            {"x1": "alice", "x2": PASSWORD},
        ),
    )
    steps = [
        {
            "at": "/1",
            "if_present": ".ready",
            "fill": {"x1": "{username}", "#x, [name=x2]": "{password}"},
            "click": "go",
        },
        {"if_present": "#way", "click": "Use another way", "wait_for": "#later.ready"},
    ]

    outcome, result = attempt(web, profile_at, pages, login={"steps": steps})

    assert outcome.code, (outcome.summary, pages.sent, result.trace)


def test_refusal_can_be_a_step(web: Serve, profile_at: Write) -> None:
    def answer(request: Request) -> StreamResponse:
        if request.path == "/7/abort":
            return leads(f"{CALLBACK}?error=access_denied")
        return html(CONSENT.replace("Cancel", "Fine") + '<a href="/7/abort">[ x ]</a>')

    outcome, _ = attempt(web, profile_at, answer, deny=True, login={"deny": {"click": "a[href$='/abort']"}})

    assert outcome.error == "access_denied"


# -- where it gets stuck ---------------------------------------------------------------------------------------------


def test_a_wrong_password_is_told_with_a_picture(web: Serve, profile_at: Write) -> None:
    pages = Pages((SHAPES["one page, then consent"][0][0], {"p": "another"}))

    outcome, result = attempt(web, profile_at, pages)

    assert outcome.ending is Ending.STUCK
    assert "user name or password may be wrong" in (outcome.reason or "")
    assert len(pages.sent) == 3
    assert result.pictures[-1].caption == "stuck"
    assert result.pictures[-1].data
    assert not [step for step in result.trace if PASSWORD in step.text]


def test_a_button_without_effect_is_pressed_once(web: Serve, profile_at: Write) -> None:
    outcome, result = attempt(web, profile_at, lambda _: html('<form><button type="button">Continue</button></form>'))

    assert outcome.ending is Ending.STUCK
    assert "nothing happened" in (outcome.reason or "")
    assert [step.text for step in result.trace].count("pressed 'Continue'") == 1


@pytest.mark.parametrize(
    "page",
    [html("<p>Something is wrong.</p>"), html("<form><button>Retry</button></form>", 400)],
    ids=["without a form", "with a button of its own"],
)
def test_an_error_page_ends_the_walk(page: Response, web: Serve, profile_at: Write) -> None:
    outcome, _ = attempt(web, profile_at, lambda request: _copy(page))

    assert outcome.ending is Ending.ERROR_PAGE


def _copy(page: Response) -> Response:
    return Response(text=page.text, content_type="text/html", status=page.status)


def test_nobody_is_asked_for_a_login_and_stops_there(web: Serve, profile_at: Write) -> None:
    pages = Pages(*SHAPES["one page, then consent"])

    outcome, _ = attempt(web, profile_at, pages, user=None)

    assert outcome.ending is Ending.LOGIN_ASKED
    assert pages.sent == []


def test_a_host_that_the_profile_does_not_name_is_an_end(web: Serve, profile_at: Write) -> None:
    outcome, _ = attempt(web, profile_at, lambda _: leads("https://elsewhere.example/login"))

    assert (outcome.ending, outcome.location) == (Ending.LEFT, "https://elsewhere.example/login")

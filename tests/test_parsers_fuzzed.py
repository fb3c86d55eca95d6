"""What reads a server's pages, cookies and JSON raises nothing, whatever comes, and takes linear time."""

from __future__ import annotations

import gc
import json
import math
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conformance.http.cookies import ALTOGETHER, LARGEST, MOST, CookieJar
from conformance.http.message import Response, fragment_of, host_of, origin, parse_json_object, query_of
from conformance.http.redaction import Redactor
from conformance.login import form as forms
from conformance.login.browser import target_of
from conformance.login.page import LARGEST_PAGE, MOST_CONTROLS, MOST_ELEMENTS, MOST_FORMS, Page, read
from conformance.protocol import jws

URL = "https://as.example/login/page?x=1"
VALUES = {"username": "alice", "password": "secret", "totp": "123456"}
#: Pieces from which pages, headers and JSON are put together that hang or break careless readers.
HTML = (
    "<", ">", "</", "<!", "<!--", "-->", "<![", "<![CDATA[", "]]>", "<?", "<!DOCTYPE ", "[<!ENTITY ", "&", "&#", "&#x",
    "&#99999999;", "&#x110000;", "&amp", "'", '"', "=", "/", " ", "\0", "\n", "<a ", "<a href=", "href='", "http://[",
    "<form>", "</form>", "<form id=f method=post action=", "<input ", "<input form=f name=a>", "type=password",
    "name=", "<button>", "</button>", "<select>", "<option selected>", "<script>", "</script", "<style>",
    "<textarea>", "<title>", "<base href=//[", "<meta http-equiv=refresh content=", "0;url=", "checked",
    "disabled", "\ud800", "\u202e", "é",
)  # fmt: skip
COOKIE = (
    "=", ";", "; ", ",", "a", "Path=", "/", "Domain=", ".", "as.example", "Expires=", "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359", "0", "9" * 30, "Max-Age=", "-1", "\u00b2", "Secure", "\0", "é", "\u2028", ":",
)  # fmt: skip
JSON = (
    "{", "}", "[", "]", '"', ":", ",", "\\", "\\u", "\\ud800", "\\udc00", "null", "true", "NaN", "-Infinity", "1", "-0",
    "1e999", "9" * 400, "9" * 5000, ".", "e", '"a":', '"a"', " ", "\t", "\ufeff", "é", "\0", "/*",
)  # fmt: skip
EVERYTHING = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def made_of(pieces: tuple[str, ...], most: int = 40) -> st.SearchStrategy[str]:
    """Texts of these pieces and of any characters between them."""
    return st.lists(st.sampled_from(pieces) | st.text(max_size=5), max_size=most).map("".join)


def used(page: Page) -> None:
    """Everything that a login driver asks of a page."""
    page.find("input[name=a]")
    page.links()
    forms.denying(page)
    login, consent = forms.login_form(page), forms.consent_form(page)
    if login is not None:
        forms.login_values(login, VALUES)
    if consent is not None:
        forms.consent_values(consent)
    for one in page.forms:
        assert one.texts is not None
        assert one.values() is not None


def seconds(function: Callable[[Any], object], value: Any) -> float:
    """The processor's time for one call; garbage of other tests is not collected meanwhile."""
    gc.disable()
    try:
        before = time.process_time()
        function(value)
        return time.process_time() - before
    finally:
        gc.enable()


def is_linear(function: Callable[[Any], object], short: Any, long: Any) -> None:
    """Eight times as much may take some sixteen times as long, and never more than two seconds."""
    before, after = seconds(function, short), seconds(function, long)
    assert after < max(0.2, 16 * before), f"{before:.3f} s and {after:.3f} s"
    assert after < 2


@EVERYTHING
@given(html=made_of(HTML), url=st.just(URL) | made_of(HTML, 5))
@example(html="<![ nonsense [ x", url=URL)
@example(html="&#" + "9" * 5000 + ";<a b='&#" + "9" * 5000 + ";'>", url="http://[")
def test_any_page_is_read(html: str, url: str) -> None:
    used(read(url, html))


@LONG
@given(piece=made_of(HTML, 6).filter(bool))
@example(piece="<")
@example(piece="<a ")
@example(piece="<form id=f></form><input form=g>")
@example(piece="<button>x")
def test_long_pages_take_linear_time(piece: str) -> None:
    whole = (piece * (LARGEST_PAGE // len(piece) + 1))[:LARGEST_PAGE]

    is_linear(lambda html: used(read(URL, html)), whole[: LARGEST_PAGE // 8], whole)


def test_pages_are_bounded() -> None:
    page = read(URL, "<form>" + "<input name=a>" * 20_000 + "</form>" + "<form></form>" * 10_000 + "x" * 10_000_000)

    assert len(page.elements) <= MOST_ELEMENTS
    assert len(page.forms) <= MOST_FORMS
    assert len(page.forms[0].controls) <= MOST_CONTROLS
    assert len(page.text) <= LARGEST_PAGE


@EVERYTHING
@given(
    headers=st.lists(made_of(COOKIE, 12), max_size=8),
    urls=st.lists(st.just(URL) | made_of((*HTML, "http://", "as.example", "/login"), 5), max_size=3),
    now=st.floats(0, 4e9),
)
@example(headers=["a=b; Expires=Thu, 01 Jan 0001 00:00:00 +2359", "=; Domain=."], urls=["http://[", URL], now=0)
def test_any_cookies_are_kept_or_not(headers: list[str], urls: list[str], now: float) -> None:
    jar = CookieJar()
    for url in urls:
        jar.store(url, headers, now)
        assert len(jar.header(url) or "") <= ALTOGETHER + 3 * MOST


@LONG
@given(header=made_of(COOKIE, 12))
def test_cookies_take_linear_time_and_little_room(header: str) -> None:
    def store(count: int) -> None:
        jar = CookieJar()
        jar.store(URL, [f"{number}{header}" for number in range(count)], 0)
        assert len(jar.values()) <= MOST
        assert len(jar.header(URL) or "") <= ALTOGETHER + 3 * MOST

    is_linear(store, 1000, 8000)


def test_cookies_that_no_browser_keeps() -> None:
    jar = CookieJar()
    jar.store(URL, ["a=" + "b" * LARGEST, "c=d"], 0)

    assert jar.values() == {"c": "d"}


@EVERYTHING
@given(body=st.binary(max_size=200) | made_of(JSON).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(body=b'{"a": "\\ud800"}')
@example(body=b'{"a": [1e999]}')
@example(body=b"[" * 100_000)
def test_any_json_is_read(body: bytes) -> None:
    members = parse_json_object(body)

    if members is not None:
        assert members == json.loads(body), "what is read is what other readers read"
        json.dumps(members, ensure_ascii=False, allow_nan=False).encode()
        assert all(math.isfinite(value) for value in members.values() if isinstance(value, int | float))


@LONG
@given(piece=made_of(JSON, 6).filter(bool))
@example(piece='"\\')
@example(piece="[")
@example(piece='{"a":')
def test_long_json_takes_linear_time(piece: str) -> None:
    size = 1024 * 1024
    whole = (piece * (size // len(piece) + 1))[:size].encode("utf-8", "surrogatepass")

    is_linear(parse_json_object, whole[: size // 8], whole)
    is_linear(parse_json_object, b'{"a": "' + whole[: size // 8] + b'"}', b'{"a": "' + whole + b'"}')


@EVERYTHING
@given(text=made_of((*HTML, *JSON, "http://", "ey", ".", "eyJh"), 12))
@example(text="http://[")
@example(text="//\u2100.example")
@example(text="ey.W10.x")
def test_any_address_and_token_is_taken_apart(text: str) -> None:
    query_of(text)
    fragment_of(text)
    host_of(text)
    origin(text)
    jws.claims_of(text)
    target_of(Response(302, (("Location", text),), b"", URL, 0, 0))


@EVERYTHING
@given(texts=st.lists(made_of((*HTML, *JSON, "code=", "access_token", "planted-secret"), 12), min_size=1, max_size=4))
@example(texts=["a lone \ud800 surrogate"])
def test_whatever_is_learnt_is_hidden(texts: list[str]) -> None:
    redactor = Redactor(["planted-secret"])
    for text in texts:
        redactor.learn(text)
        redactor.learn_headers((("Set-Cookie", text), ("Authorization", text)))
        redactor.learn_fields([("code", text), ("response", text)])

    shown = redactor.text(" ".join(texts))

    assert "planted-secret" not in shown


@LONG
@given(piece=made_of((*JSON, "abcdefgh", "code=", "‹secret:"), 6).filter(bool), secret=made_of((*JSON, "abcdefgh"), 4))
@example(piece="abcdefgh", secret="abcdefghi")
def test_redaction_takes_linear_time(piece: str, secret: str) -> None:
    redactor = Redactor(["planted-secret"])
    for number in range(200):
        redactor.learn(f"{secret}{number}")
    whole = (piece * (65_536 // len(piece) + 1))[:65_536]

    is_linear(redactor.text, whole[:8192], whole)

"""Pages between login and answer, walked without a word in the profile: what a person would press, and what not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from conformance.login import form as forms
from conformance.login.page import Form, read
from conformance.protocol.outcome import Ending
from conformance.verdict import NotExercised
from tests.test_login_script import CLIENT, walked
from tests.webserver import Answer

CONSENT = (
    '<form method="post" action="/consent"><button name="answer" value="yes">Allow</button>'
    '<button name="answer" value="no">Deny</button></form>'
)
#: What stands on many a page, before what the page is for.
HEADER = (
    '<a href="/back">Back</a><form method="post" action="/leave"><button>Sign out</button></form>'
    '<form method="post" action="/language"><button name="to" value="fr">Français</button></form>'
)
TERMS = '<form method="post" action="/terms"><input type="checkbox" name="read"><button>Go on</button></form>'


def page(html: str) -> web.Response:
    return web.Response(text=f"<!doctype html>{html}", content_type="text/html")


def server(first: str, consent: str = CONSENT, end: str = "") -> Answer:
    """A page that comes first, the consent page, and the end: a redirect, or a page of its own."""

    async def answer(request: web.Request) -> web.Response:
        form = await request.post()
        if request.path == "/authorize":
            return page(first)
        if request.path == "/terms" and form.get("read") == "on":
            return page(consent)
        if request.path == "/consent" and end and form.get("answer") == "yes":
            return page(end)
        if request.path == "/consent":
            said = "code=c1" if form.get("answer") == "yes" else "error=access_denied"
            return web.Response(status=303, headers={"Location": f"{CLIENT}?{said}"})
        return web.Response(status=404)

    return answer


@pytest.mark.parametrize(("deny", "ending"), [(False, Ending.CODE), (True, Ending.ERROR_REDIRECT)])
@pytest.mark.parametrize("first", [HEADER + CONSENT, CONSENT + HEADER])
def test_form_of_the_page_is_answered_and_none_beside_it(
    web: Callable[[Answer], str], tmp_path: Path, first: str, deny: bool, ending: Ending
) -> None:
    assert walked(tmp_path, web(server(first)), login={}, deny=deny).ending is ending


def test_who_means_to_refuse_passes_what_cannot_be_refused(web: Callable[[Answer], str], tmp_path: Path) -> None:
    outcome = walked(tmp_path, web(server(TERMS)), login={}, deny=True)

    assert (outcome.ending, outcome.error) == (Ending.ERROR_REDIRECT, "access_denied")


def test_who_could_nowhere_refuse_has_shown_nothing(web: Callable[[Answer], str], tmp_path: Path) -> None:
    only_yes = CONSENT.replace('no">Deny', 'yes">Permit')

    with pytest.raises(NotExercised, match="no way to refuse"):
        walked(tmp_path, web(server(TERMS, only_yes)), login={}, deny=True)


@pytest.mark.parametrize(("method", "mode"), [("get", "query"), ("post", "form_post")])
def test_form_that_leads_to_the_client_answers_by_its_method(
    web: Callable[[Answer], str], tmp_path: Path, method: str, mode: str
) -> None:
    end = f'<form method="{method}" action="{CLIENT}"><input type="hidden" name="code" value="c1"><button>OK</button>'
    outcome = walked(tmp_path, web(server(CONSENT, end=end)), login={})

    assert (outcome.code, outcome.mode) == ("c1", mode)
    assert outcome.location == (f"{CLIENT}?code=c1" if method == "get" else CLIENT)


def test_who_leaves_refuses_where_nothing_else_does() -> None:
    found = forms.denying(read("https://as.example/consent", f"<p>{HEADER}</p>"))

    assert isinstance(found, tuple)
    assert isinstance(found[0], Form)
    assert found[1].label == "Sign out"


def test_link_that_leads_to_the_client_with_a_code_is_the_end(web: Callable[[Answer], str], tmp_path: Path) -> None:
    outcome = walked(tmp_path, web(server(CONSENT, end=f'<a href="{CLIENT}?code=c1&amp;state=s">Return</a>')), login={})

    assert (outcome.ending, outcome.code, outcome.parameters["state"]) == (Ending.CODE, "c1", "s")


@pytest.mark.parametrize("query", ["", "?error=access_denied"])
def test_link_without_a_code_is_no_end(web: Callable[[Answer], str], tmp_path: Path, query: str) -> None:
    end = f'<a href="{CLIENT}{query}">Return</a>'

    assert walked(tmp_path, web(server(CONSENT, end=end)), login={}).ending is Ending.ERROR_PAGE

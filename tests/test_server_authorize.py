"""The reference server's authorization endpoint, its pages, and the one-time request_uri."""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from tests.server_kit import CHALLENGE, Kit, answer_of, form_of, running

CLIENT = "first-client"


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    with running() as started:
        yield started


def test_the_whole_way(kit: Kit) -> None:
    answer = kit.browser().finish(CLIENT, kit.pushed(state="s é&=+%"))
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("s é&=+%", kit.running.issuer)


def test_without_state_there_is_none(kit: Kit) -> None:
    assert set(kit.browser().finish(CLIENT, kit.pushed(state=None))) == {"code", "iss"}


def test_a_posted_authorization_request(kit: Kit) -> None:
    browser = kit.browser()
    answer = browser.http.post(kit.url("authorization"), data={"client_id": CLIENT, "request_uri": kit.pushed()})
    page = browser.login(browser.follow(answer))
    assert "code" in answer_of(browser.submit(page, decision="allow").headers["location"])


def test_denial(kit: Kit) -> None:
    uri, browser = kit.pushed(), kit.browser()
    answer = browser.finish(CLIENT, uri, decision="deny")
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "the-state", kit.running.issuer)
    assert browser.authorize(CLIENT, uri).status_code == 400


def test_a_wrong_password_gets_nowhere(kit: Kit) -> None:
    browser = kit.browser()
    page = browser.follow(browser.authorize(CLIENT, kit.pushed()))
    again = browser.submit(page, username="alice", password="wrong")
    assert "wrong" in again.text
    assert "decision" not in again.text
    assert "decision" in browser.login(again).text


def is_refused(kit: Kit, **query: str) -> bool:
    """Whether a new browser sees an error page, and is sent nowhere."""
    answer = kit.browser().get(kit.url("authorization"), **query)
    return (
        answer.status_code == 400 and "location" not in answer.headers and "text/html" in answer.headers["content-type"]
    )


def test_reuse_after_the_code(kit: Kit) -> None:
    uri, browser = kit.pushed(), kit.browser()
    assert "code" in browser.finish(CLIENT, uri)
    assert browser.authorize(CLIENT, uri).status_code == 400
    assert is_refused(kit, client_id=CLIENT, request_uri=uri)


def test_a_reload_before_the_end_is_fine(kit: Kit) -> None:
    uri, browser = kit.pushed(), kit.browser()
    for _ in range(3):
        browser.follow(browser.authorize(CLIENT, uri))
    kit.browser().follow(kit.browser().authorize(CLIENT, uri))
    browser.http.head(kit.url("authorization"), params={"client_id": CLIENT, "request_uri": uri})
    assert "code" in browser.finish(CLIENT, uri)


def test_a_foreign_client_cannot_use_nor_burn_it(kit: Kit) -> None:
    uri = kit.pushed()
    assert is_refused(kit, client_id="second-client", request_uri=uri)
    assert is_refused(kit, client_id="nobody", request_uri=uri)
    assert is_refused(kit, request_uri=uri)
    assert "code" in kit.browser().finish(CLIENT, uri)


@pytest.mark.parametrize(
    "uri", ["urn:ietf:params:oauth:request_uri:x", "https://127.0.0.1:1/x", "http://[", "x", "urn:x", "file:///etc"]
)
def test_unknown_references(kit: Kit, uri: str) -> None:
    assert is_refused(kit, client_id=CLIENT, request_uri=uri, redirect_uri="https://evil.example/")
    assert is_refused(kit, client_id=CLIENT, request_uri=uri, redirect_uri="https://client.example/callback")


def test_expiry(kit: Kit) -> None:
    uri, opened, browser = kit.pushed(), kit.pushed(), kit.browser()
    kit.clock.offset += 59
    page = browser.follow(browser.authorize(CLIENT, opened))
    kit.clock.offset += 2
    assert is_refused(kit, client_id=CLIENT, request_uri=uri)
    consent = browser.login(page)  # a slow person may end what began in time
    assert "code" in answer_of(browser.submit(consent, decision="allow").headers["location"])


def test_the_query_beside_it_has_no_effect(kit: Kit) -> None:
    uri, browser = kit.pushed(state=None, nonce=None, scope="openid"), kit.browser()
    other = {
        "redirect_uri": "https://client.example/other",
        "scope": "openid profile email",
        "state": "x",
        "nonce": "y",
        "response_mode": "fragment",
        "response_type": "token",
        "prompt": "none",
        "code_challenge": "z" * 43,
        "authorization_details": "[]",
        "dpop_jkt": "j",
    }
    page = browser.login(browser.follow(browser.authorize(CLIENT, uri, **other)))
    assert "email" not in page.text
    location = browser.submit(page, decision="allow").headers["location"]
    assert location.startswith("https://client.example/callback?code=")
    assert set(answer_of(location)) == {"code", "iss"}
    assert kit.redeem(answer_of(location)["code"]).json()["scope"] == "openid"


def test_refusing_what_stands_beside_it() -> None:
    with running(outer_parameters="refuse") as kit:
        uri = kit.pushed()
        assert is_refused(kit, client_id=CLIENT, request_uri=uri, state="x")
        assert "code" in kit.browser().finish(CLIENT, uri)


def test_a_repeated_parameter_is_refused(kit: Kit) -> None:
    url = f"{kit.url('authorization')}?client_id={CLIENT}&client_id={CLIENT}&request_uri={kit.pushed()}"
    assert kit.http.get(url).status_code == 400
    assert kit.http.get(f"{kit.url('authorization')}?client_id={CLIENT}&state=%ff").status_code == 400
    assert kit.http.get(f"{kit.url('authorization')}?client_id=%zz").status_code == 400


# Plain requests


def test_a_plain_request_works_where_it_may(kit: Kit) -> None:
    browser = kit.browser()
    page = browser.login(browser.follow(browser.get(kit.url("authorization"), **kit.request())))
    assert "code" in answer_of(browser.submit(page, decision="allow").headers["location"])


def test_errors_go_to_a_registered_redirect_uri_only(kit: Kit) -> None:
    browser, url = kit.browser(), kit.url("authorization")
    answer = browser.get(url, **kit.request(scope="admin"))
    assert answer.status_code == 303
    assert answer_of(answer.headers["location"])["error"] == "invalid_scope"
    assert is_refused(kit, **kit.request(scope="admin", redirect_uri="https://evil.example/"))
    assert is_refused(kit, **kit.request(client_id="nobody"))


def test_where_par_is_required(kit: Kit) -> None:
    refused = kit.browser().get(kit.url("authorization"), **kit.request("par_required"))
    assert answer_of(refused.headers["location"])["error"] == "invalid_request"
    for changes in ({"request": "x"}, {"request_uri": "https://x.example/y"}, {"request_uri": "urn:x"}):
        assert is_refused(kit, client_id="par-required-client", **changes)
    assert "code" in kit.browser().finish("par-required-client", kit.pushed("par_required"))
    with running(require_par=True) as strict:
        refused = strict.browser().get(strict.url("authorization"), **strict.request())
        assert answer_of(refused.headers["location"])["error"] == "invalid_request"
        assert strict.server.metadata()["require_pushed_authorization_requests"] is True


def test_unregistered_redirect_uris_are_for_authenticated_pushes() -> None:
    new = "https://new.example/here?x=1"
    with running(unregistered_redirect_uris=True) as kit:
        answer = kit.browser().to_consent(CLIENT, kit.pushed(redirect_uri=new))
        assert "new.example" in answer.text
        uri, browser = kit.pushed(redirect_uri=new), kit.browser()
        page = browser.to_consent(CLIENT, uri)
        location = browser.submit(page, decision="allow").headers["location"]
        assert location.startswith(f"{new}&code=")
        assert kit.push("public", redirect_uri=new).status_code == 400
        assert is_refused(kit, **kit.request(redirect_uri=new))
        for bad in (
            "http://new.example/",
            "https://new.example/#x",
            "https://",
            "x",
            "https://a@b/",
            "https://é/",
            "https://[/",
        ):
            assert kit.push(redirect_uri=bad).status_code == 400
        assert kit.push(redirect_uri="https://x/\r\nSet-Cookie: y").status_code == 400


def test_a_changed_registration_counts(kit: Kit) -> None:
    uri = kit.pushed()
    client = kit.server.clients[CLIENT]
    try:
        kit.server.clients[CLIENT] = dataclasses.replace(client, redirect_uris=("https://client.example/new",))
        assert is_refused(kit, client_id=CLIENT, request_uri=uri)
        del kit.server.clients[CLIENT]
        assert is_refused(kit, client_id=CLIENT, request_uri=uri)
    finally:
        kit.server.clients[CLIENT] = client
    assert "code" in kit.browser().finish(CLIENT, uri)


# Response modes


@pytest.mark.parametrize("mode", ["query", "fragment"])
def test_redirecting_response_modes(kit: Kit, mode: str) -> None:
    browser = kit.browser()
    page = browser.to_consent(CLIENT, kit.pushed(response_mode=mode))
    location = browser.submit(page, decision="allow").headers["location"]
    assert ("#" in location, "?" in location) == (mode == "fragment", mode == "query")
    assert set(answer_of(location)) == {"code", "state", "iss"}


def test_form_post(kit: Kit) -> None:
    browser = kit.browser()
    page = browser.to_consent(CLIENT, kit.pushed(response_mode="form_post", state='"><b>&'))
    answer = browser.submit(page, decision="allow")
    action, fields = form_of(answer)
    assert action == "https://client.example/callback"
    assert set(fields) == {"code", "state", "iss"}
    assert '"><b>' not in answer.text
    assert "form-action 'self' https://client.example;" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("mode", ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"])
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_signed_responses(kit: Kit, mode: str, decision: str) -> None:
    browser = kit.browser()
    answer = browser.submit(browser.to_consent(CLIENT, kit.pushed(response_mode=mode)), decision=decision)
    found = form_of(answer)[1] if mode == "form_post.jwt" else answer_of(answer.headers["location"])
    assert set(found) == {"response"}
    keys = jwt.PyJWKSet.from_dict(kit.http.get(kit.url("jwks")).json())
    key = keys[jwt.get_unverified_header(found["response"])["kid"]]
    claims = jwt.decode(found["response"], key, ["RS256"], audience=CLIENT, issuer=kit.running.issuer)
    assert claims["state"] == "the-state"
    assert ("code" in claims) == (decision == "allow")


# Sessions


def test_prompt_none(kit: Kit) -> None:
    browser, uri = kit.browser(), kit.pushed(prompt="none")
    refused = answer_of(browser.authorize(CLIENT, uri).headers["location"])
    assert refused["error"] == "login_required"
    browser.finish(CLIENT, kit.pushed())
    refused = answer_of(browser.authorize(CLIENT, uri).headers["location"])
    assert refused["error"] == "consent_required"


def test_a_session_is_kept_and_asked_to_log_in_again(kit: Kit) -> None:
    browser = kit.browser()
    browser.finish(CLIENT, kit.pushed())
    assert "decision" in browser.follow(browser.authorize(CLIENT, kit.pushed())).text
    for changes in ({"prompt": "login"}, {"max_age": "0"}, {"prompt": "select_account"}):
        page = browser.follow(browser.authorize(CLIENT, kit.pushed(**changes)))
        assert "password" in page.text
        consent = browser.login(page, "bob")
        assert "bob" in consent.text
    kit.clock.offset += 10
    assert "password" in browser.follow(browser.authorize(CLIENT, kit.pushed(max_age="9"))).text
    assert "decision" in browser.follow(browser.authorize(CLIENT, kit.pushed(max_age="99"))).text


def test_the_page_belongs_to_its_browser(kit: Kit) -> None:
    browser, thief = kit.browser(), kit.browser()
    opened = browser.authorize(CLIENT, kit.pushed()).headers["location"]
    page = browser.get(opened)
    assert thief.get(opened).status_code == 400
    thief.finish(CLIENT, kit.pushed())
    assert thief.get(opened).status_code == 400
    assert thief.submit(page, username="bob", password="bob-builder-34").status_code == 400
    consent = browser.login(page)
    assert thief.submit(consent, decision="allow").status_code == 400
    assert "code" in answer_of(browser.submit(consent, decision="allow").headers["location"])


def test_forms_need_their_token_and_place(kit: Kit) -> None:
    browser = kit.browser()
    page = browser.to_consent(CLIENT, kit.pushed())
    action, fields = form_of(page)
    post = browser.http.post
    assert post(action, data={"decision": "allow"}).status_code == 400
    assert post(action, data={"decision": "allow", "csrf": "x"}).status_code == 400
    foreign = post(action, data=fields | {"decision": "allow"}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 400
    own = post(action, data=fields | {"decision": "allow"}, headers={"Origin": kit.running.issuer})
    assert "code" in answer_of(own.headers["location"])
    assert post(action, data=fields | {"decision": "allow"}).status_code == 400


def test_consent_cannot_be_given_before_login(kit: Kit) -> None:
    browser = kit.browser()
    page = browser.follow(browser.authorize(CLIENT, kit.pushed()))
    action, fields = form_of(page)
    skipped = browser.http.post(action.replace("/login", "/consent"), data=fields | {"decision": "allow"})
    assert skipped.status_code == 400


def test_login_renews_the_session(kit: Kit) -> None:
    browser = kit.browser()
    page = browser.follow(browser.authorize(CLIENT, kit.pushed()))
    before = dict(browser.http.cookies)
    browser.login(page)
    assert dict(browser.http.cookies) != before
    assert len(browser.http.cookies) == 1


def test_cookies_and_headers(kit: Kit) -> None:
    browser = kit.browser()
    opened = browser.authorize(CLIENT, kit.pushed())
    cookie = opened.headers["set-cookie"]
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert cookie.startswith("__Host-session=")
    for answer in (opened, browser.follow(opened), kit.browser().authorize(CLIENT, "urn:x")):
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" in answer.headers
    policy = browser.follow(opened).headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy


def test_nothing_of_the_request_is_in_urls_cookies_or_login_page(kit: Kit) -> None:
    marks = {"state": "zqstate", "nonce": "zqnonce", "login_hint": "zqhint", "x_unknown": "zqunknown"}
    browser = kit.browser()
    answer = browser.authorize(CLIENT, kit.pushed(**marks))
    seen = str(answer.headers) + browser.follow(answer).text
    page = browser.login(browser.follow(answer))
    seen += page.text + str(dict(browser.http.cookies)) + form_of(page)[0]
    encoded = [base64.b64encode(mark.encode()).decode()[:6] for mark in marks.values()]
    assert not any(mark in seen for mark in [*marks.values(), *encoded, CHALLENGE])


def test_what_the_person_sees_is_what_was_pushed(kit: Kit) -> None:
    details = '[{"type":"payment","amount":"<b>1</b>","currency":"EUR","creditor":"\\"><script>x</script>"}]'
    page = kit.browser().to_consent("rar-client", kit.pushed("rar", authorization_details=details))
    assert "rar-client" in page.text
    assert "<li>openid</li>" in page.text
    assert "&lt;b&gt;1&lt;/b&gt;" in page.text
    assert "<script" not in page.text
    assert "<b>" not in page.text


# At the same time


def test_of_many_consents_one_gets_a_code(kit: Kit) -> None:
    browser = kit.browser()
    page = browser.to_consent(CLIENT, kit.pushed())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: browser.submit(page, decision="allow"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [303, *[400] * 7]


def test_of_many_browsers_one_gets_a_code(kit: Kit) -> None:
    uri = kit.pushed()
    ways = [(browser := kit.browser(), browser.to_consent(CLIENT, uri)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda way: way[0].submit(way[1], decision="allow"), ways))
    assert sorted(answer.status_code for answer in answers) == [303, *[400] * 7]


def test_of_many_redemptions_one_gets_tokens(kit: Kit) -> None:
    code = kit.code()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: kit.redeem(code), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 7]


def test_pages_are_whole_html(kit: Kit) -> None:
    page = kit.browser().follow(kit.browser().authorize(CLIENT, "urn:x"))
    assert re.match(r"<!doctype html>\n<html lang=\"en\">", page.text)

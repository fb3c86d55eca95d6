"""Request objects at the reference server."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from joserfc import jwe
from joserfc.jwk import import_key

from conformance.profile.keyring import generate_key
from tests.server_kit import VERIFIER, Kit, answer_of, error_of, running

SIGNED = "signed-client"
BAD = (400, "invalid_request_object")


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    with running() as started:
        yield started


def test_a_signed_object(kit: Kit) -> None:
    answer = kit.push_object(kit.request_object())
    assert answer.status_code == 201
    assert answer.json()["expires_in"] == 60  # the object's own exp does not lengthen it
    answered = kit.browser().finish(SIGNED, answer.json()["request_uri"])
    assert answered["state"] == "the-state"
    assert kit.redeem(answered["code"], "signed").status_code == 200


def test_the_outer_client_id_may_be_there(kit: Kit) -> None:
    assert kit.push_object(kit.request_object(), client_id=SIGNED).status_code == 201
    assert error_of(kit.push_object(kit.request_object(), client_id="first-client"))[0] == 400


def test_outer_parameters_have_no_effect(kit: Kit) -> None:
    text = kit.request_object(state=None, scope="openid", code_challenge=None, code_challenge_method=None)
    outer = kit.request("signed", state="outer", scope="openid profile email")
    answer = kit.push_object(text, **outer)
    assert answer.status_code == 201
    answered = kit.browser().finish(SIGNED, answer.json()["request_uri"])
    assert "state" not in answered
    assert error_of(kit.redeem(answered["code"], "signed", code_verifier=VERIFIER)) == (400, "invalid_grant")
    assert kit.redeem(answered["code"], "signed", code_verifier=None).json()["scope"] == "openid"


def test_outer_parameters_can_be_refused() -> None:
    with running(outer_parameters="refuse") as kit:
        assert error_of(kit.push_object(kit.request_object(), state="x")) == (400, "invalid_request")
        assert kit.push_object(kit.request_object(), client_id=SIGNED).status_code == 201


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": None}, "invalid_request_object"),
        ({"client_id": "first-client"}, "invalid_request_object"),
        ({"iss": "first-client"}, "invalid_request_object"),
        ({"aud": None}, "invalid_request_object"),
        ({"aud": "https://other.example"}, "invalid_request_object"),
        ({"aud": 5}, "invalid_request_object"),
        ({"aud": {}}, "invalid_request_object"),
        ({"exp": None}, "invalid_request_object"),
        ({"exp": 1}, "invalid_request_object"),
        ({"exp": 4102444800}, "invalid_request_object"),
        ({"exp": "x"}, "invalid_request_object"),
        ({"nbf": 4102444800}, "invalid_request_object"),
        ({"nbf": 1}, "invalid_request_object"),
        ({"iat": 4102444800}, "invalid_request_object"),
        ({"request": "x"}, "invalid_request_object"),
        ({"request_uri": "urn:x"}, "invalid_request_object"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": ["https://signed.example/callback"]}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": ["openid"]}, "invalid_request"),
        ({"state": 5}, "invalid_request"),
        ({"max_age": True}, "invalid_request"),
        ({"max_age": 1.5}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": {}}, "invalid_request"),
        ({"dpop_jkt": 1}, "invalid_request"),
    ],
)
def test_bad_claims(kit: Kit, changes: dict[str, Any], error: str) -> None:
    assert error_of(kit.push_object(kit.request_object(**changes))) == (400, error)


def test_what_must_not_be_refused(kit: Kit) -> None:
    now = int(kit.clock.now())
    for changes in (
        {"iss": None},
        {"aud": [kit.running.issuer, "https://other.example"]},
        {"nbf": None},
        {"nbf": now + 8, "iat": now + 8},
        {"jti": None},
        {"max_age": 100},
        {"state": ""},
        {"claims": {"id_token": {"acr": {"essential": True}}}},
        {"x_unknown": [1, {"y": None}]},
    ):
        assert kit.push_object(kit.request_object(**changes)).status_code == 201, changes
    for typ in (None, "JWT", "oauth-authz-req+jwt", "OAuth-AuthZ-Req+JWT", "application/oauth-authz-req+jwt"):
        assert kit.push_object(kit.request_object(headers={"typ": typ})).status_code == 201, typ


def test_numbers_and_structures_survive(kit: Kit) -> None:
    uri = kit.push_object(kit.request_object(max_age=0)).json()["request_uri"]
    kept = kit.server.load_pushed(uri)
    assert kept
    assert kept.parameters["max_age"] == 0
    browser = kit.browser()
    browser.finish(SIGNED, kit.pushed("signed"))
    assert "password" in browser.follow(browser.authorize(SIGNED, uri)).text


@pytest.mark.parametrize("typ", ["dpop+jwt", "at+jwt", "client-authentication+jwt", "x", 5])
def test_other_types_are_refused(kit: Kit, typ: object) -> None:
    assert error_of(kit.push_object(kit.request_object(headers={"typ": typ}))) == BAD


def test_signatures(kit: Kit) -> None:
    own = kit.keyring.clients["signed"].key("ES256")
    claims = json.loads(base64.urlsafe_b64decode(kit.request_object().split(".")[1] + "=="))
    foreign = kit.keyring.clients["signed_second"].key()
    for key in (generate_key("ES256", own.kid), foreign):
        assert error_of(kit.push_object(key.sign(claims))) == BAD
    assert error_of(kit.push_object(own.sign(claims, {"kid": foreign.kid}))) == BAD
    assert kit.push_object(own.sign(claims, {"kid": None})).status_code == 201
    registered_for_another = kit.keyring.clients["signed"].key("PS256").sign(claims)
    assert error_of(kit.push_object(registered_for_another)) == BAD
    head, body, signature = own.sign(claims).split(".")
    assert error_of(kit.push_object(f"{head}.{body}.")) == BAD
    assert error_of(kit.push_object(f"{head}.{body}")) == BAD
    tampered = base64.urlsafe_b64encode(json.dumps(claims | {"scope": "openid email"}).encode()).rstrip(b"=").decode()
    assert error_of(kit.push_object(f"{head}.{tampered}.{signature}")) == BAD


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "HS256", "", 1, None])
def test_unsigned_objects(kit: Kit, alg: object) -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": alg}).encode()).rstrip(b"=").decode()
    body = kit.request_object().split(".")[1]
    for signature in ("", "AAAA"):
        assert error_of(kit.push_object(f"{header}.{body}.{signature}")) == BAD


def test_an_assertion_is_no_request_object(kit: Kit) -> None:
    assert error_of(kit.push_object(kit.assertion("signed"))) == BAD


def test_an_object_authenticates_nobody(kit: Kit) -> None:
    url = kit.url("pushed_authorization_request")
    answer = kit.http.post(url, data={"request": kit.request_object(), "client_id": SIGNED})
    assert error_of(answer) == (401, "invalid_client")


def test_who_is_not_registered_for_objects(kit: Kit) -> None:
    answer = kit.post("pushed_authorization_request", "first", kit.request() | {"request": kit.request_object()})
    assert error_of(answer) == BAD


def test_where_objects_are_a_duty(kit: Kit) -> None:
    assert error_of(kit.push("signed_only")) == (400, "invalid_request")
    assert kit.push_object(kit.request_object("signed_only"), "signed_only").status_code == 201
    with running(require_signed_request_object=True) as strict:
        assert error_of(strict.push()) == (400, "invalid_request")
        assert strict.server.metadata()["require_signed_request_object"] is True


def test_without_the_feature() -> None:
    with running(jar=False) as kit:
        assert error_of(kit.push_object(kit.request_object(), client_id=SIGNED)) == (400, "request_not_supported")
        assert kit.server.metadata()["request_parameter_supported"] is False


# Encryption


def encrypted(kit: Kit, alg: str, plain: str, enc: str = "A256GCM", **header: Any) -> str:
    keys = kit.http.get(kit.url("jwks")).json()["keys"]
    kty = "RSA" if alg.startswith("RSA") else "EC"
    jwk = next(key for key in keys if key["use"] == "enc" and key["kty"] == kty)
    protected = {"alg": alg, "enc": enc, "cty": "oauth-authz-req+jwt"} | header
    return jwe.encrypt_compact(protected, plain, import_key(jwk), algorithms=[alg, enc])


@pytest.mark.parametrize("alg", ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"])
@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"])
def test_an_encrypted_object(kit: Kit, alg: str, enc: str) -> None:
    assert kit.push_object(encrypted(kit, alg, kit.request_object(), enc)).status_code == 201


def test_what_is_inside_must_be_signed(kit: Kit) -> None:
    claims = json.dumps(kit.request("signed"))
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(claims.encode()).rstrip(b"=").decode()
    nested = encrypted(kit, "ECDH-ES", kit.request_object())
    for plain in (claims, f"{header}.{body}.", "", "é", nested):
        assert error_of(kit.push_object(encrypted(kit, "ECDH-ES", plain))) == BAD


def test_broken_encryption(kit: Kit) -> None:
    whole = encrypted(kit, "ECDH-ES", kit.request_object())
    parts = whole.split(".")
    assert error_of(kit.push_object(".".join([*parts[:3], parts[3][:-4] + "AAAA", parts[4]]))) == BAD
    for text in ("....", "a.b.c.d.e", "e30....", "bnVsbA....", whole + ".x"):
        assert error_of(kit.push_object(text)) == BAD
    for header in (
        {"alg": "dir", "enc": "A256GCM"},
        {"alg": "PBES2-HS256+A128KW", "p2c": 10**9},
        {"alg": 5},
        {"alg": "RSA1_5"},
    ):
        head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
        assert error_of(kit.push_object(f"{head}.AAAA.AAAA.AAAA.AAAA")) == BAD


def test_without_encryption() -> None:
    with running() as with_it:
        text = encrypted(with_it, "ECDH-ES", with_it.request_object())
    with running(jwe=False) as kit:
        assert error_of(kit.push_object(text)) == BAD
        assert all(key["use"] == "sig" for key in kit.http.get(kit.url("jwks")).json()["keys"])
        assert "request_object_encryption_alg_values_supported" not in kit.server.metadata()


# At the authorization endpoint


def test_by_value(kit: Kit) -> None:
    browser = kit.browser()
    url = kit.url("authorization")
    answer = browser.get(url, client_id=SIGNED, request=kit.request_object(), state="outer")
    page = browser.login(browser.follow(answer))
    assert answer_of(browser.submit(page, decision="allow").headers["location"])["state"] == "the-state"
    for query in (
        {"request": kit.request_object()},
        {"request": kit.request_object(), "client_id": "signed-only-client"},
        {"request": kit.request_object(), "client_id": SIGNED, "request_uri": kit.pushed("signed")},
        {"request": "x", "client_id": SIGNED, "redirect_uri": "https://evil.example/"},
    ):
        assert browser.get(url, **query).status_code == 400


@contextmanager
def hosting(answers: dict[str, web.Response], folder: Path) -> Iterator[tuple[str, Path]]:
    """A web server with these answers; its https origin and its CA."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    ready, port, loops = threading.Event(), [0], []

    async def main() -> None:
        async def handle(request: web.Request) -> web.StreamResponse:
            if request.path == "/slow":
                await asyncio.sleep(1)
            return answers.get(request.path) or web.Response(status=404)

        runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        port[0] = runner.addresses[0][1]
        ended = asyncio.Event()
        loops.append((asyncio.get_running_loop(), ended))
        ready.set()
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    ready.wait()
    try:
        yield f"https://127.0.0.1:{port[0]}", ca
    finally:
        loop, ended = loops[0]
        loop.call_soon_threadsafe(ended.set)
        thread.join()


def test_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.server.references.FETCH_SECONDS", 0.5)
    answers: dict[str, web.Response] = {}
    with (
        hosting(answers, tmp_path) as (origin, ca),
        running(jar_by_reference=f"{origin}/", jar_by_reference_ca=str(ca)) as kit,
    ):
        typed = {"content_type": "application/oauth-authz-req+jwt"}
        answers["/ok"] = web.Response(text=kit.request_object(), **typed)
        answers["/moved"] = web.Response(status=302, headers={"Location": f"{origin}/ok"})
        answers["/large"] = web.Response(text="x" * 100_000, **typed)
        answers["/html"] = web.Response(text=kit.request_object(), content_type="text/html")
        answers["/bytes"] = web.Response(body=b"\xff", **typed)
        answers["/slow"] = web.Response(text="x", **typed)
        browser, url = kit.browser(), kit.url("authorization")
        page = browser.login(browser.follow(browser.get(url, client_id=SIGNED, request_uri=f"{origin}/ok")))
        assert "code" in answer_of(browser.submit(page, decision="allow").headers["location"])
        for path in ("moved", "large", "html", "bytes", "gone", "slow"):
            assert browser.get(url, client_id=SIGNED, request_uri=f"{origin}/{path}").status_code == 400
        assert error_of(kit.push("signed", request_uri=f"{origin}/ok")) == (400, "invalid_request")
        metadata = kit.server.metadata()
        assert metadata["request_uri_parameter_supported"] is True
        assert metadata["require_request_uri_registration"] is True

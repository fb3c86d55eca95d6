"""The reference server's pushed authorization request endpoint."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx2
import pytest

from tests.server_kit import CHALLENGE, Kit, error_of, running


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    with running() as started:
        yield started


def test_a_push_is_answered_with_a_reference(kit: Kit) -> None:
    answer = kit.push()
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert list(answer.json()) == ["request_uri", "expires_in"]
    assert re.fullmatch(r"urn:ietf:params:oauth:request_uri:[\w-]{43}", answer.json()["request_uri"])
    assert answer.json()["expires_in"] == 60


def test_every_reference_is_new(kit: Kit) -> None:
    assert len({kit.pushed() for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": None}, "invalid_request"),
        ({"client_id": "second-client"}, "invalid_request"),
        ({"request_uri": "urn:example:anything"}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": "https://client.example/callback/"}, "invalid_request"),
        ({"redirect_uri": "https://client.example/callback?x"}, "invalid_request"),
        ({"redirect_uri": "https://client.example/callback#x"}, "invalid_request"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"scope": "openid  profile"}, "invalid_scope"),
        ({"scope": 'openid "x"'}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "é" * 43}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"response_mode": "bogus"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "bogus"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"request": "garbage"}, "invalid_request_object"),
        ({"resource": "https://api.example/other"}, "invalid_target"),
        ({"authorization_details": '[{"type": "payment"}]'}, "invalid_authorization_details"),
    ],
)
def test_a_bad_push_is_refused(kit: Kit, changes: dict[str, str | None], error: str) -> None:
    assert error_of(kit.push(**changes)) == (400, error)


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "profile openid email"},
        {"scope": None},
        {"state": None, "nonce": None},
        {"state": "x" * 5000},
        {"request_uri": ""},
        {"x_unknown": "y", "grant_type": "authorization_code", "code": "z"},
        {"prompt": "none"},
        {"prompt": "login consent"},
        {"max_age": "0"},
        {"response_mode": "form_post"},
        {"code_challenge": None, "code_challenge_method": None},
        {"client_secret": ""},
    ],
)
def test_what_must_not_be_refused(kit: Kit, changes: dict[str, str | None]) -> None:
    assert kit.push(**changes).status_code == 201


def test_a_sole_redirect_uri_may_be_left_out_without_openid() -> None:
    with running(scopes_supported=("profile",)) as kit:
        assert kit.push("second", redirect_uri=None, scope="profile").status_code == 201
        assert error_of(kit.push("second", redirect_uri=None)) == (400, "invalid_request")


def test_a_public_client_needs_a_challenge(kit: Kit) -> None:
    assert kit.push("public").status_code == 201
    lacking = kit.push("public", code_challenge=None, code_challenge_method=None)
    assert error_of(lacking) == (400, "invalid_request")


FORM = "application/x-www-form-urlencoded"


def raw_push(kit: Kit, body: bytes, content_type: str | None = FORM, url: str = "") -> httpx2.Response:
    headers = kit.credentials("first")[0] | ({"Content-Type": content_type} if content_type else {})
    return kit.http.post(kit.url("pushed_authorization_request") + url, content=body, headers=headers)


@pytest.mark.parametrize("name", ["state", "scope", "redirect_uri", "client_id", "code_challenge", "x_unknown"])
def test_a_repeated_parameter_is_refused(kit: Kit, name: str) -> None:
    parameters = kit.request(x_unknown="y")
    body = urlencode([*parameters.items(), (name, parameters[name])]).encode()
    assert error_of(raw_push(kit, body)) == (400, "invalid_request")


def test_the_resource_parameter_may_be_repeated(kit: Kit) -> None:
    answer = kit.push("rar", resource=["https://api.example/accounts", "https://api.example/accounts"])
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/x-www-form-urlencoded", 201),
        ("application/x-www-form-urlencoded; charset=UTF-8", 201),
        ("application/x-www-form-urlencoded; charset=iso-8859-1", 400),
        ("Application/X-WWW-Form-UrlEncoded", 201),
        ("application/json", 400),
        ("multipart/form-data; boundary=x", 400),
        ("text/plain", 400),
        (None, 400),
    ],
)
def test_only_forms_are_read(kit: Kit, content_type: str | None, status: int) -> None:
    assert raw_push(kit, urlencode(kit.request()).encode(), content_type).status_code == status


@pytest.mark.parametrize("tail", [b"&state=%", b"&state=%zz", b"&state=%ff", b"&state=\xff", b"&%e4=1"])
def test_broken_text_is_refused(kit: Kit, tail: bytes) -> None:
    assert error_of(raw_push(kit, urlencode(kit.request(state=None)).encode() + tail)) == (400, "invalid_request")


def test_the_query_of_the_endpoint_is_not_read(kit: Kit) -> None:
    query = "?" + urlencode(kit.request())
    assert error_of(raw_push(kit, b"", url=query)) == (400, "invalid_request")
    assert raw_push(kit, urlencode(kit.request()).encode(), url="?scope=admin&client_id=x").status_code == 201
    secret = "?" + urlencode({"client_secret": kit.keyring.clients["second"].secret})
    answer = kit.http.post(kit.url("pushed_authorization_request") + secret, data=kit.request("second"))
    assert error_of(answer) == (401, "invalid_client")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_post(kit: Kit, method: str) -> None:
    answer = kit.http.request(method, kit.url("pushed_authorization_request"), params=kit.request())
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def filled(kit: Kit, size: int) -> bytes:
    body = urlencode(kit.request(state=None)).encode() + b"&state="
    return body + b"x" * (size - len(body))


def test_a_body_of_exactly_the_limit_is_accepted(kit: Kit) -> None:
    assert raw_push(kit, filled(kit, 1024 * 1024)).status_code == 201


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 3 * 1024 * 1024])
def test_a_larger_body_is_too_large(kit: Kit, size: int) -> None:
    assert raw_push(kit, filled(kit, size)).status_code == 413
    assert kit.push().status_code == 201


def test_a_larger_body_is_too_large_in_chunks_as_well(kit: Kit) -> None:
    def chunks() -> Iterator[bytes]:
        whole = filled(kit, 1024 * 1024 + 1)
        for start in range(0, len(whole), 65536):
            yield whole[start : start + 65536]

    headers = kit.credentials("first")[0] | {"Content-Type": "application/x-www-form-urlencoded"}
    answer = kit.http.post(kit.url("pushed_authorization_request"), content=chunks(), headers=headers)
    assert answer.status_code == 413


def test_an_announced_flood_is_refused_before_it_arrives(kit: Kit) -> None:
    host, port = kit.running.issuer.removeprefix("https://").split(":")
    head = b"POST /par HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with (
        socket.create_connection((host, int(port)), timeout=5) as plain,
        ssl.create_default_context(cadata=kit.running.ca_pem).wrap_socket(plain, server_hostname=host) as tls,
    ):
        tls.sendall(head + b"Content-Length: 99999999999\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 413 ")


def test_nothing_of_the_input_comes_back(kit: Kit) -> None:
    marker = 'zq"<b>\r\nX: y'
    for name in ("redirect_uri", "scope", "response_type", "response_mode", "request", "prompt", "client_id"):
        answer = kit.push(**{name: marker})
        assert "zq" not in answer.text
        assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]+", answer.json()["error_description"])


def test_credentials_are_not_kept(kit: Kit) -> None:
    uri = kit.pushed("second")
    kept = kit.server.load_pushed(uri)
    assert kept is not None
    assert set(kept.parameters) == set(kit.request("second"))
    assert kept.parameters["code_challenge"] == CHALLENGE


@pytest.mark.parametrize(("lifetime", "offset", "announced"), [(0.4, 0, 1), (5, 0, 5), (300, 1, 299), (90, 0, 90)])
def test_the_announced_lifetime(lifetime: float, offset: int, announced: int) -> None:
    with running(lifetime=lifetime, expires_in_offset=offset) as kit:
        assert kit.push().json()["expires_in"] == announced


def test_a_busy_client_is_told_to_wait() -> None:
    with running(rate_limit=3, rate_window=10) as kit:
        assert [kit.push().status_code for _ in range(4)] == [201, 201, 201, 429]
        refused = kit.push()
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        assert refused.headers["content-type"] == "application/json"
        assert kit.push("second").status_code == 201
        kit.clock.offset += 10
        assert kit.push().status_code == 201

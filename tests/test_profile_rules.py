"""What a profile must keep beyond its shape: target, clients, login, and names that point elsewhere."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from conformance.profile import load
from conformance.profile.rules import references
from conformance.profile.rules.clients import is_absolute_uri
from conformance.profile.rules.target import http_url, is_loopback
from tests.profiles import GONE, PASSWORD, assert_tells, loaded, mistakes, only, profile

FIRST = "clients.first"
REMOTE = "https://as.vendor.example/tenant"
ALLOWED = {"by": "J. Ortega", "until": "2027-04-30"}
SECOND = {
    "client_id": "two",
    "auth": "none",
    "redirect_uris": ["https://second.example/callback"],
}
DEVIATION = {"requirement": "rfc9126-2-post-form", "observed": "accepted", "reason": "known"}

CASES = {
    # The target.
    "no issuer": (
        {"issuer": GONE},
        "issuer",
        "endpoints lacks authorization, token, pushed_authorization_request",
        "or the endpoints",
        "Write issuer",
    ),
    "some endpoints": (
        {"issuer": GONE, "endpoints": {"token": "http://localhost/t"}},
        "issuer",
        "lacks authorization, pushed_authorization_request",
        "or the endpoints",
        "Write issuer",
    ),
    "issuer no URL": ({"issuer": "as.example"}, "issuer", '"as.example"', "absolute http(s) URL", "Copy"),
    "issuer with query": ({"issuer": "http://localhost/?a"}, "issuer", '"http://localhost/?a"', "query", "Copy"),
    "issuer with fragment": ({"issuer": "http://localhost/#"}, "issuer", "#", "fragment", "Copy"),
    "issuer with another scheme": ({"issuer": "ftp://localhost"}, "issuer", "ftp", "http(s)", "Copy"),
    "endpoint no URL": (
        {"endpoints": {"token": "/token"}},
        "endpoints.token",
        '"/token"',
        "absolute http(s) URL",
        "whole URL",
    ),
    "endpoint with fragment": (
        {"endpoints": {"jwks": "http://localhost/jwks#a"}},
        "endpoints.jwks",
        "#a",
        "without fragment",
        "whole URL",
    ),
    "metadata_url no URL": ({"metadata_url": "x"}, "metadata_url", '"x"', "absolute", "whole URL"),
    "host with scheme": (
        {"hosts": ["http://login.localhost:81/x"]},
        "hosts[0]",
        '"http://login.localhost:81/x"',
        "a host name alone",
        "Write login.localhost.",
    ),
    "host with port": ({"hosts": ["a.localhost:81"]}, "hosts[0]", ":81", "without scheme, port", "a.localhost."),
    "nobody allowed it": (
        {"issuer": REMOTE},
        "authorization_to_test",
        "not on loopback: as.vendor.example",
        "who allowed this test",
        "Ask the owner",
    ),
    "nobody allowed an endpoint": (
        {"endpoints": {"token": f"{REMOTE}/token"}},
        "authorization_to_test",
        "as.vendor.example",
        "until when",
        "Ask the owner",
    ),
    "nobody allowed a host": ({"hosts": ["a.example"]}, "authorization_to_test", "a.example", "who", "Ask"),
    "allowed until yesterday": (
        {"issuer": REMOTE, "authorization_to_test": {"by": "J", "until": "2027-03-30"}},
        "authorization_to_test.until",
        "2027-03-30, which is past: today is 2027-03-31",
        "not past",
        "Ask the owner of the server again",
    ),
    "allowed until no day": (
        {"issuer": REMOTE, "authorization_to_test": {"by": "J", "until": "soon"}},
        "authorization_to_test.until",
        '"soon"',
        "a date: YYYY-MM-DD",
        "Write such a value",
    ),
    "allowed until a number": (
        {"issuer": REMOTE, "authorization_to_test": {"by": "J", "until": 20544 * 86400}},
        "authorization_to_test.until",
        "1775001600",
        "a date: YYYY-MM-DD",
        "2027-03-31",
    ),
    "embedded elsewhere": (
        {"embedded": True, "issuer": REMOTE},
        "issuer",
        "as.vendor.example, but embedded is true",
        "on loopback",
        "take embedded: true away",
    ),
    "settings of another server": (
        {"settings": {"lifetime": 5}},
        "settings",
        "embedded is not true",
        "embedded server alone",
        "Take settings away",
    ),
    "unknown setting": (
        {"embedded": True, "issuer": GONE, "settings": {"lifetme": 5}},
        "settings.lifetme",
        "a setting that is not known",
        "a setting of the reference server",
        "Did you mean lifetime?",
    ),
    "setting of another kind": (
        {"embedded": True, "issuer": GONE, "settings": {"consume_at": "once", "lifetime": 5}},
        "settings.consume_at",
        '"once"',
        "consume_at must be one of visit, login, consent, code",
        "Write such a value.",
    ),
    "setting out of range": (
        {"embedded": True, "issuer": GONE, "settings": {"lifetime": 0}},
        "settings.lifetime",
        "0",
        "lifetime must be more than 0 seconds",
        "Write such a value.",
    ),
    "unverified certificate": (
        {"issuer": REMOTE, "authorization_to_test": ALLOWED, "tls": {"verify": False}},
        "tls.verify",
        "as.vendor.example",
        "true",
        "tls.ca_file",
    ),
    # Clients.
    "no first": (
        {"clients": {"frist": {**SECOND}}},
        "clients",
        "the roles frist",
        "the role first",
        "Did you mean frist? Name it first.",
    ),
    "no role": ({"clients": {}}, "clients", "no role at all", "the role first", "Add clients.first."),
    "no client_id": ({f"{FIRST}.client_id": ""}, f"{FIRST}.client_id", "an empty text", "a text", "registered"),
    "second is first": (
        {"clients.second": {**SECOND, "client_id": "one"}},
        "clients.second.client_id",
        '"one", the client_id of first',
        "another client than first",
        "Register one more",
    ),
    "no secret": (
        {f"{FIRST}.secret": GONE},
        f"{FIRST}.secret",
        "auth is client_secret_basic",
        "secret: {env: NAME}",
        "Add secret",
    ),
    "no secret to post": (
        {f"{FIRST}.secret": GONE, f"{FIRST}.auth": "client_secret_post"},
        f"{FIRST}.secret",
        "auth is client_secret_post",
        "secret",
        "Add secret",
    ),
    "no secret to sign with": (
        {f"{FIRST}.secret": GONE, f"{FIRST}.auth": "client_secret_jwt"},
        f"{FIRST}.secret",
        "auth is client_secret_jwt",
        "secret",
        "Add secret",
    ),
    "no keys": (
        {f"{FIRST}.auth": "private_key_jwt"},
        f"{FIRST}.keys",
        "auth is private_key_jwt",
        "a private JWK set",
        "Add keys",
    ),
    "no certificate": (
        {f"{FIRST}.auth": "tls_client_auth"},
        f"{FIRST}.certificate",
        "auth is tls_client_auth",
        "certificate_file",
        "Add certificate",
    ),
    "no own certificate": (
        {f"{FIRST}.auth": "self_signed_tls_client_auth"},
        f"{FIRST}.certificate",
        "auth is self_signed_tls_client_auth",
        "certificate_file",
        "Add certificate",
    ),
    "secret of a public client": (
        {f"{FIRST}.auth": "none"},
        f"{FIRST}.secret",
        "a secret, but auth is none",
        "no secret",
        "Take secret away",
    ),
    "request objects without keys": (
        {f"{FIRST}.request_objects": {"alg": "ES256"}},
        f"{FIRST}.request_objects",
        "signed with ES256, but no keys",
        "a private JWK set",
        "Add keys",
    ),
    "assertion_alg without assertions": (
        {f"{FIRST}.assertion_alg": "ES256"},
        f"{FIRST}.assertion_alg",
        '"ES256", but auth is client_secret_basic',
        "no assertion_alg",
        "Take assertion_alg away",
    ),
    "assertion_alg for keys": (
        {f"{FIRST}.assertion_alg": "ES256", f"{FIRST}.auth": "client_secret_jwt"},
        f"{FIRST}.assertion_alg",
        "ES256",
        "one of HS256, HS384, HS512",
        "correct auth",
    ),
    "assertion without audience": (
        {
            "issuer": GONE,
            "endpoints": {
                name: f"http://localhost/{name}" for name in ("authorization", "token", "pushed_authorization_request")
            },
            f"{FIRST}.auth": "client_secret_jwt",
        },
        f"{FIRST}.assertion_audience",
        "but no issuer",
        "issuer at the top level",
        "token_endpoint",
    ),
    "relative redirect_uri": (
        {f"{FIRST}.redirect_uris": ["https://a.example/", "/callback"]},
        f"{FIRST}.redirect_uris[1]",
        '"/callback"',
        "an absolute URI (RFC 6749 section 3.1.2)",
        "with its scheme",
    ),
    "redirect_uri of host and port": (
        {f"{FIRST}.redirect_uris": ["localhost:9/cb"]},
        f"{FIRST}.redirect_uris[0]",
        "localhost:9/cb",
        "absolute",
        "scheme",
    ),
    "redirect_uri with fragment": (
        {f"{FIRST}.redirect_uris": ["https://a.example/#x"]},
        f"{FIRST}.redirect_uris[0]",
        "#x",
        "without fragment",
        "Take the #",
    ),
    "relative resource": ({f"{FIRST}.resource": ["api"]}, f"{FIRST}.resource[0]", '"api"', "RFC 8707", "scheme"),
    # Login.
    "no user": ({"users": GONE}, "users", "the login driver is form", "a user: {first", "{driver: none}"),
    "no user for calls": (
        {"users": {}, "login": {"driver": "rest", "calls": [{"path": "/login"}]}},
        "users",
        "the login driver is rest",
        "a user",
        "Add users",
    ),
    "no calls": ({"login.driver": "rest"}, "login.calls", "the driver is rest", "the calls", "Add calls"),
    "another user": ({"login.user": "frist"}, "login.user", '"frist"', "first", "Did you mean first?"),
    "no first user": (
        {"users": {"alice": {"username": "a", "password": {"env": "USER_PASSWORD"}}}},
        "login.user",
        "stands for first",
        "alice",
        "Name one of the users",
    ),
    "unknown placeholder": (
        {"login.steps": [{"fill": {"user": "{usrname}"}}]},
        "login.steps[0].fill.user",
        "the placeholder {usrname}",
        "one of {username}, {password}",
        "Did you mean username?",
    ),
    "unknown placeholder in a call": (
        {"login": {"driver": "rest", "calls": [{"path": "/x", "body": {"a": ["{realm}"]}}]}},
        "login.calls[0].body.a[0]",
        "{realm}",
        "{request_uri}",
        "Take it away",
    ),
    "unknown placeholder of a refusal": (
        {"login.deny": {"click": "{no}"}},
        "login.deny.click",
        "{no}",
        "{scope}",
        "Take it away",
    ),
    "wrong pattern": (
        {"login.steps": [{"take": {"token": "page:token=(["}}]},
        "login.steps[0].take.token",
        "the pattern 'token=(['",
        "a regular expression",
        "Mend the pattern",
    ),
    "no seed": (
        {"login.steps": [{"fill": {"otp": "{totp}"}}]},
        "login.steps[0].fill.otp",
        "no user has totp",
        "totp: {env: NAME}",
        "Add totp to users.first",
    ),
    "password in a step": (
        {"login.steps": [{"fill": {"password": PASSWORD}}]},
        "login.steps[0].fill.password",
        "(not shown)",
        "{password}",
        "Put it into the password",
    ),
    "key in a header": (
        {"login": {"driver": "rest", "calls": [{"path": "/x", "headers": {"X-Api-Key": PASSWORD}}]}},
        "login.calls[0].headers.X-Api-Key",
        "(not shown)",
        "{password}",
        "Put it into",
    ),
    # Names that point elsewhere.
    "no plan": ({"plans": []}, "plans", "an empty list", "at least one plan", "[rfc9126]"),
    "deviation until no day": (
        {"deviations": [{**DEVIATION, "until": "later"}]},
        "deviations[0].until",
        '"later"',
        "a date: YYYY-MM-DD",
        "such a value",
    ),
    "deviation until a moment": (
        {"deviations": [{**DEVIATION, "until": "2027-03-31T00:00"}]},
        "deviations[0].until",
        "T00:00",
        "a date: YYYY-MM-DD",
        "without a time",
    ),
    "deviation from nothing": (
        {"deviations": [{**DEVIATION, "requirement": "rfc9126-2-post-from"}]},
        "deviations[0].requirement",
        '"rfc9126-2-post-from"',
        "the id of a requirement",
        "Did you mean rfc9126-2-post-form?",
    ),
    "unverified nothing": (
        {"unverified": ["limits.expires_in", "clients.second.scope"]},
        "unverified[1]",
        '"clients.second.scope"',
        "the dotted path of a key",
        "Correct the path",
    ),
    "unverified sentence": ({"unverified": ["the scope"]}, "unverified[0]", '"the scope"', "dotted path", "path"),
}


@pytest.fixture(autouse=True)
def requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two requirements, so that these tests stand on no catalogue."""
    known = ["rfc9126-2-post-form", "rfc9126-2.1-request-uri-refused"]
    monkeypatch.setattr(references, "known_requirements", lambda: known)


@pytest.mark.parametrize("case", CASES)
def test_a_broken_rule_is_told(tmp_path, case):
    changes, key, found, expected, fix = CASES[case]

    mistake = only(tmp_path, profile(changes))

    assert_tells(mistake, key, found, expected, fix)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": REMOTE, "authorization_to_test": ALLOWED},
        {"issuer": REMOTE, "authorization_to_test": {"by": "J", "until": "2027-03-31"}},
        {"tls": {"verify": False}},
        {"users": GONE, "login.driver": "none"},
        {"users": GONE, "login.driver": "manual"},
        {"clients.second": SECOND, "clients.public": {**SECOND, "redirect_uris": ["com.example.app:/callback"]}},
        {f"{FIRST}.request_objects": {"alg": "HS256"}},
        {f"{FIRST}.auth": "client_secret_jwt", f"{FIRST}.assertion_alg": "HS512"},
        {"login.steps": [{"fill": {"password": "{password}", "scope": "{scope}"}, "click": "text=Go"}]},
        {"unverified": ["limits.expires_in", "clients.first.scope", "features", "features.dpop"]},
        {"unverified": ["clients.first.redirect_uris[0]", "users.first.password.env", "tls.verify"]},
        {"deviations": [{**DEVIATION, "until": "2020-01-01"}]},
        {"hosts": ["login.localhost", "127.0.0.1", "::1"]},
    ],
)
def test_a_right_profile_is_loaded(tmp_path, changes):
    assert loaded(tmp_path, profile(changes)).profile.name == "Local server"


def test_what_an_expired_deviation_means_is_left_to_the_run(tmp_path):
    content = profile({"deviations": [{**DEVIATION, "until": "2020-01-01"}]})

    assert loaded(tmp_path, content).profile.deviations[0].until == date(2020, 1, 1)


def test_the_requirements_are_those_of_the_catalogue(monkeypatch):
    monkeypatch.undo()

    assert "rfc9126-2.1-request-uri-refused" in references.known_requirements()


def test_the_plans_are_those_of_the_suite():
    assert {"rfc9126", "fapi2"} <= set(references.known_plans())


def test_an_unknown_plan_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(references, "known_plans", lambda: ["rfc9126", "fapi2"])

    mistake = only(tmp_path, profile({"plans": ["rfc9126", "fapi-2"]}))

    assert_tells(mistake, "plans[1]", '"fapi-2"', "one of rfc9126, fapi2", "Did you mean fapi2?")


def test_the_embedded_reference_profile_is_right():
    reference = Path(__file__).parent.parent / "targets" / "reference.yaml"

    assert load(reference, environ={}).keyring.clients["signed"].keys


def test_a_role_named_as_a_field_for_secrets_is_an_ordinary_role(tmp_path):
    content = profile({"clients.secret": {**SECOND, "redirect_uris": ["callback"]}})

    assert only(tmp_path, content).found == '"callback"'


def test_one_cause_gives_one_mistake(tmp_path):
    content = profile({"issuer": "${BASE}", "authorization_to_test": ALLOWED, "endpoints.token": "${BASE}/t"})

    assert [one.key for one in mistakes(tmp_path, content)] == ["issuer", "endpoints.token"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "as.localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example", "127.0.0.1.example", "10.0.0.1", "0.0.0.0", "::", "127.1"])
def test_not_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1\\@evil.example/",
        "http://local host/",
        "http://localhost@evil.example",
        "//localhost/",
        "http://localhost:99999/",
        "http://[::1",
        "http://",
        "https:localhost",
        "http://localhost:0/",
        "",
    ],
)
def test_a_url_that_parsers_may_read_differently_is_none(url):
    assert http_url(url) is None


@pytest.mark.parametrize(
    "uri", ["https://a.example/cb?x=1", "com.example:/cb", "app://cb", "urn:ietf:wg:oauth:2.0:oob"]
)
def test_absolute_uris(uri):
    assert is_absolute_uri(uri)


@pytest.mark.parametrize("uri", ["cb", "/cb", "//a.example/cb", "localhost:80", "https:///cb", "app:", "a b:c", ""])
def test_relative_uris(uri):
    assert not is_absolute_uri(uri)

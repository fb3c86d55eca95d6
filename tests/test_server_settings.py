"""What correct servers may do one way or another, and what the reference server says about itself."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import httpx2
import pytest

from conformance.server import AuthorizationServer, Settings, SettingsError, serve
from tests.server_kit import answer_of, error_of, form_of, reference, running

CLIENT = "first-client"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"lifetim": 5}, "did you mean lifetime?"),
        ({"zzz": 5}, "no setting 'zzz'"),
        ({"lifetime": "5"}, "lifetime must be a number"),
        ({"lifetime": 0}, "more than 0"),
        ({"lifetime": True}, "lifetime must be a number"),
        ({"body_limit": 0}, "at least 1 byte"),
        ({"tls": "yes"}, "tls must be a bool"),
        ({"rate_limit": 1.5}, "rate_limit must be a int"),
        ({"consume_at": "never"}, "one of visit, login, consent, code"),
        ({"login_pages": True}, "one of 1, 2"),
        ({"scopes_supported": "openid"}, "list of texts"),
        ({"issuer_path": "tenant"}, "starts with /"),
    ],
)
def test_wrong_settings_are_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)):
        Settings.from_profile(given)


def test_settings_of_a_profile() -> None:
    assert Settings.from_profile({"scopes_supported": ["a"], "lifetime": 5}) == Settings(
        scopes_supported=("a",), lifetime=5
    )


def test_profile_settings_are_the_default() -> None:
    profile, keyring = reference()
    with serve(profile, keyring) as server:
        assert server.authorization_server.settings.lifetime == profile.settings["lifetime"]


def test_starting_and_stopping_is_quick_and_clean() -> None:
    profile, keyring = reference()
    for _ in range(2):
        before = threading.active_count()
        started = time.perf_counter()
        with serve(profile, keyring) as server:
            assert time.perf_counter() - started < 0.15
            assert server.ca_file.read_text(encoding="ascii") == server.ca_pem
            # A connection stays open: stopping does not wait for it.
            http = httpx2.Client(verify=False, trust_env=False)
            assert http.get(f"{server.issuer}/.well-known/oauth-authorization-server").status_code == 200
            assert server.requests == 1
            ending = time.perf_counter()
        assert time.perf_counter() - ending < 0.2
        http.close()
        assert not server.ca_file.exists()
        assert threading.active_count() == before


def test_a_failing_start_is_told() -> None:
    class Failing(AuthorizationServer):
        def routes(self) -> Any:
            raise RuntimeError("no routes")

    profile, keyring = reference()
    with pytest.raises(RuntimeError, match="no routes"), serve(profile, keyring, server=Failing):
        pass


def test_a_crash_is_seen() -> None:
    class Crashing(AuthorizationServer):
        def check_scope(self, client: Any, parameters: Any) -> None:
            raise KeyError("a bug")

    with running(Crashing) as kit:
        assert kit.push().status_code == 500
        assert [type(crash) for crash in kit.server.crashes] == [KeyError]
        kit.server.crashes.clear()


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("urn", r"urn:ietf:params:oauth:request_uri:[\w-]{43}"),
        ("uuid", r"urn:uuid:[0-9a-f-]{36}"),
        ("vendor", r"urn:example:pushed:[\w-]{43}"),
        ("https", r"https://127.0.0.1:\d+/requests/[\w-]{43}"),
    ],
)
def test_forms_of_the_reference(form: str, pattern: str) -> None:
    with running(request_uri_form=form) as kit:
        uri = kit.pushed()
        assert re.fullmatch(pattern, uri)
        assert "code" in kit.browser().finish(CLIENT, uri)


@pytest.mark.parametrize("moment", ["visit", "login", "consent", "code"])
def test_moments_of_consumption(moment: str) -> None:
    with running(consume_at=moment) as kit:
        dead = []
        uri, browser = kit.pushed(), kit.browser()

        def look() -> None:
            dead.append(kit.browser().authorize(CLIENT, uri).status_code == 400)

        opened = browser.authorize(CLIENT, uri)
        if moment != "visit":
            look()
        page = browser.login(browser.follow(opened))
        look()
        location = browser.submit(page, decision="allow").headers["location"]
        look()
        assert "code" in answer_of(location)
        assert (
            dead
            == {
                "visit": [True, True],
                "login": [False, True, True],
                "consent": [False, False, True],
                "code": [False, False, True],
            }[moment]
        )


@pytest.mark.parametrize(("consumes", "status"), [(True, 400), (False, 303)])
def test_denial_may_leave_it_usable(consumes: bool, status: int) -> None:
    with running(denial_consumes=consumes) as kit:
        uri = kit.pushed()
        assert kit.browser().finish(CLIENT, uri, "deny")["error"] == "access_denied"
        assert kit.browser().authorize(CLIENT, uri).status_code == status


def test_errors_of_a_known_request_may_be_redirected() -> None:
    with running(authorize_errors="redirect") as kit:
        used = kit.pushed()
        kit.browser().finish(CLIENT, used)
        expired = kit.pushed()
        kit.clock.offset += 60
        for uri in (used, expired):
            answer = kit.browser().authorize(CLIENT, uri, redirect_uri="https://client.example/other")
            assert answer.headers["location"].startswith("https://client.example/callback?error=invalid_request_uri")
            assert answer_of(answer.headers["location"])["iss"] == kit.running.issuer
        assert kit.browser().authorize("second-client", expired).status_code == 400
        assert kit.browser().authorize(CLIENT, "urn:x").status_code == 400


@pytest.mark.parametrize("status", [200, 403])
def test_status_of_error_pages(status: int) -> None:
    with running(error_pages_status=status) as kit:
        assert kit.browser().authorize(CLIENT, "urn:x").status_code == status


def test_login_on_two_pages() -> None:
    with running(login_pages=2) as kit:
        browser = kit.browser()
        page = browser.follow(browser.authorize(CLIENT, kit.pushed()))
        assert "password" not in page.text
        page = browser.follow(browser.submit(page, username="alice"))
        assert 'name="username"' not in page.text
        failed = browser.submit(page, password="wrong")
        assert 'name="username"' in failed.text
        page = browser.follow(browser.submit(failed, username="alice"))
        page = browser.follow(browser.submit(page, password="alice-wonderland-12"))
        assert "code" in answer_of(browser.submit(page, decision="allow").headers["location"])


def test_consent_may_be_remembered() -> None:
    with running(consent="remember") as kit:
        browser = kit.browser()
        assert "code" in browser.finish(CLIENT, kit.pushed())
        assert "code" in answer_of(browser.authorize(CLIENT, kit.pushed()).headers["location"])
        assert "code" in answer_of(browser.authorize(CLIENT, kit.pushed(prompt="none")).headers["location"])
        assert "decision" in browser.follow(browser.authorize(CLIENT, kit.pushed(scope="openid email"))).text
        assert "decision" in browser.follow(browser.authorize(CLIENT, kit.pushed(prompt="consent"))).text


def test_consent_may_be_none() -> None:
    with running(consent="none") as kit:
        browser = kit.browser()
        page = browser.follow(browser.authorize(CLIENT, kit.pushed()))
        assert "code" in answer_of(browser.login(page).headers["location"])


def test_default_response_mode() -> None:
    with running(default_response_mode="form_post") as kit:
        browser = kit.browser()
        answer = browser.submit(browser.to_consent(CLIENT, kit.pushed()), decision="allow")
        assert form_of(answer)[0] == "https://client.example/callback"


def test_ways_of_answering() -> None:
    with running(chunked=True, pretty_json=True, field_order="reversed", cache_control="no-cache, no-store") as kit:
        answer = kit.push()
        assert answer.headers["transfer-encoding"] == "chunked"
        assert list(answer.json()) == ["expires_in", "request_uri"]
        assert "\n  " in answer.text
        assert answer.headers["cache-control"] == "no-cache, no-store"
    with running(close_connection=True, cache_control="") as kit:
        answer = kit.push()
        assert answer.headers["connection"] == "close"
        assert "cache-control" not in answer.headers
        assert kit.push().status_code == 201
    with running(other_methods=404) as kit:
        for endpoint in ("pushed_authorization_request", "token", "authorization"):
            assert kit.http.put(kit.url(endpoint)).status_code == 404


def test_without_tls() -> None:
    with running(tls=False) as kit:
        assert kit.running.issuer.startswith("http://127.0.0.1:")
        assert "mtls_endpoint_aliases" not in kit.server.metadata()
        assert "tls_client_auth" not in kit.server.metadata()["token_endpoint_auth_methods_supported"]
        browser = kit.browser()
        answer = browser.authorize(CLIENT, kit.pushed())
        assert "Secure" not in answer.headers["set-cookie"]
        assert "strict-transport-security" not in answer.headers
        assert "code" in browser.finish(CLIENT, kit.pushed())


def test_an_issuer_with_a_path() -> None:
    with running(issuer_path="/tenant/one") as kit:
        origin = kit.running.issuer.removesuffix("/tenant/one")
        for path in (
            "/.well-known/oauth-authorization-server/tenant/one",
            "/tenant/one/.well-known/openid-configuration",
        ):
            metadata = kit.http.get(origin + path).json()
            assert metadata["issuer"] == f"{origin}/tenant/one"
            assert metadata["token_endpoint"] == f"{origin}/tenant/one/token"
        assert kit.http.get(f"{origin}/.well-known/oauth-authorization-server").status_code == 404
        assert kit.browser().finish(CLIENT, kit.pushed())["iss"] == kit.running.issuer


@pytest.mark.parametrize(("where", "oauth", "openid"), [("both", 200, 200), ("oauth", 200, 404), ("openid", 404, 200)])
def test_where_the_metadata_is(where: str, oauth: int, openid: int) -> None:
    with running(metadata=where) as kit:
        for name, status in (("oauth-authorization-server", oauth), ("openid-configuration", openid)):
            assert kit.http.get(f"{kit.running.issuer}/.well-known/{name}").status_code == status


def test_without_iss() -> None:
    with running(iss=False) as kit:
        assert set(kit.browser().finish(CLIENT, kit.pushed())) == {"code", "state"}
        assert kit.server.metadata()["authorization_response_iss_parameter_supported"] is False


def test_features_can_be_off() -> None:
    off: dict[str, Any] = dict.fromkeys(
        ["jarm", "rar", "resource_indicators", "introspection", "public_clients", "openid", "refresh_tokens", "mtls"],
        False,
    )
    with running(**off) as kit:
        assert error_of(kit.push(response_mode="jwt")) == (400, "invalid_request")
        assert error_of(kit.push("public")) == (401, "invalid_client")
        assert kit.push("rar", authorization_details="x", resource="x").status_code == 201
        assert kit.http.post(kit.url("introspection")).status_code == 404
        assert kit.http.get(kit.url("userinfo")).status_code == 404
        tokens = kit.redeem(kit.code()).json()
        assert set(tokens) == {"access_token", "token_type", "expires_in", "scope"}
        form = {"grant_type": "refresh_token", "refresh_token": "x"}
        assert error_of(kit.post("token", "first", form)) == (400, "unsupported_grant_type")
        metadata = kit.http.get(f"{kit.running.issuer}/.well-known/oauth-authorization-server").json()
        assert metadata["grant_types_supported"] == ["authorization_code"]
        for name in metadata:
            assert not name.startswith(("introspection", "userinfo", "authorization_details", "mtls", "id_token"))


def test_metadata_is_complete_and_has_no_empty_arrays() -> None:
    with running() as kit:
        for name in ("oauth-authorization-server", "openid-configuration"):
            answer = kit.http.get(f"{kit.running.issuer}/.well-known/{name}")
            assert answer.headers["content-type"] == "application/json"
            metadata = answer.json()
            assert [] not in metadata.values()
            assert metadata["issuer"] == kit.running.issuer
            assert metadata["authorization_details_types_supported"] == ["account", "payment"]
            assert metadata["scopes_supported"] == ["accounts", "email", "openid", "profile"]
            assert "none" not in metadata["token_endpoint_auth_signing_alg_values_supported"]
            assert "none" not in metadata["request_object_signing_alg_values_supported"]
            assert len(metadata["mtls_endpoint_aliases"]) == 4


def test_the_key_set_is_public() -> None:
    with running() as kit:
        keys = kit.http.get(kit.url("jwks")).json()["keys"]
        assert len({key["kid"] for key in keys}) == len(keys) == 4
        assert not any({"d", "p", "q", "k"} & set(key) for key in keys)


# CORS


def test_scripts_may_use_direct_endpoints() -> None:
    with running() as kit:
        origin = {"Origin": "https://app.example"}
        preflight = origin | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "dpop"}
        for endpoint in ("pushed_authorization_request", "token"):
            asked = kit.http.options(kit.url(endpoint), headers=preflight)
            assert asked.status_code == 204
            assert asked.headers["access-control-allow-origin"] == "*"
            assert "DPoP" in asked.headers["access-control-allow-headers"]
            used = kit.http.post(kit.url(endpoint), headers=origin)
            assert used.headers["access-control-allow-origin"] == "*"
            assert "DPoP-Nonce" in used.headers["access-control-expose-headers"]
        for method in ("GET", "OPTIONS"):
            refused = kit.http.request(method, kit.url("authorization"), headers=preflight)
            assert not [name for name in refused.headers if name.startswith("access-control")]
        assert "access-control-allow-origin" not in kit.push().headers
    with running(cors=False) as kit:
        assert kit.http.options(kit.url("token"), headers=preflight).status_code == 405


# One rule, one method


def test_a_fault_is_one_method() -> None:
    class Unbound(AuthorizationServer):
        def check_bound_to_client(self, pushed: Any, client: Any) -> None:
            """Any client may use it."""

    class Reusable(AuthorizationServer):
        async def consume(self, pushed: Any) -> None:
            """Never used up."""

    with running(Unbound) as kit:
        assert "code" in kit.browser().finish("second-client", kit.pushed())
    with running(Reusable) as kit:
        uri = kit.pushed()
        assert "code" in kit.browser().finish(CLIENT, uri)
        assert "code" in kit.browser().finish(CLIENT, uri)

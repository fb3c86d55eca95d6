"""Each vendor's profile against the emulator of that vendor: what deviates is what is documented, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
import yaml

from conformance.check import cases_of, functions
from conformance.clock import TurnedClock
from conformance.doctor import Finding, examine
from conformance.emulator import Emulator, emulate, lines
from conformance.profile.load import load
from conformance.profile.model import Profile
from conformance.report.record import Run
from conformance.run import Session
from conformance.server import SettingsError
from conformance.server.dialects import DialectSettings, load_dialects
from conformance.verdict import Answer, Verdict
from tests.server_kit import CHALLENGE, VERIFIER, answer_of

TARGETS = Path(__file__).parent.parent / "targets"


@dataclass(frozen=True)
class Trial:
    """What came out on an emulator: its settings, its profile as it was loaded, the record, and what broke in it."""

    settings: DialectSettings
    profile: Profile
    run: Run
    crashes: list[Exception]


def trial(name: str, settings: Mapping[str, object], *only: str) -> Trial:
    """Run the checks, or those of requirements that begin so, on an emulator under a turned clock.

    What draws its messages by the dozen, and what needs a browser, is left out: no dialect changes it. A long lifetime
    leaves a busy machine the time to use a request_uri shortly before its end.
    """
    clock = TurnedClock()
    with emulate(load_dialects()[name], settings, now=clock.now) as emulator:
        loaded = emulator.load()
        limits = loaded.profile.limits.model_copy(update={"concurrency": 8, "request_seconds": 60})
        browser = loaded.profile.browser.model_copy(update={"off": True})
        profile = loaded.profile.model_copy(update={"limits": limits, "browser": browser})
        session = Session.of(replace(loaded, profile=profile), clock=clock)
        try:
            chosen = [
                case
                for function in functions()
                for case in cases_of(function, profile)
                if not case.check.long and (not only or any(id.startswith(only) for id in case.check.requirements))
            ]
            session.start(chosen, selection=" ".join(only) or None)
            run = session.conclude(wait=True, evidence=False)
        finally:
            session.close()
        return Trial(emulator.settings, loaded.profile, run, emulator.running.authorization_server.crashes)


def findings(run: Run) -> dict[str, str]:
    """What is wrong beside the listed deviations."""
    wrong = {Verdict.FAIL, Verdict.STALE, Verdict.WARN, Verdict.NOTE, Verdict.INCONCLUSIVE}
    return {item.id: f"{item.verdict}: {item.reason}" for item in run.requirements if item.verdict in wrong}


#: What the restrictions of a tenant are about; in all else it is as without them.
RESTRICTED = ("rfc9126-2.2", "rfc9126-4", "rfc9101-5", "openid-core-6")


@pytest.mark.emulators
@pytest.mark.parametrize(
    ("name", "settings", "profile", "only"),
    [
        ("pingone", {}, "pingone", ()),
        ("pingone-aic", {}, "pingone-aic", ()),
        ("pingone-aic", {"request_object_restrictions_enforced": True}, "pingone-aic-restricted", RESTRICTED),
        ("authlete", {}, "authlete", ()),
        ("signicat", {}, "signicat", ()),
    ],
)
def test_profile_holds_on_its_emulator(
    name: str, settings: dict[str, object], profile: str, only: tuple[str, ...]
) -> None:
    found = trial(name, {"lifetime": 600, **settings}, *only)

    assert found.settings.profile() == profile
    assert found.crashes == []
    assert findings(found.run) == {}
    assert found.run.gate is Answer.PASS
    listed = found.profile.deviations
    sure = {(entry.requirement, entry.observed) for entry in listed if not entry.unverified}
    matched = {(entry.requirement, entry.observed) for entry in found.run.deviations if entry.state == "matched"}
    assert sure <= matched <= {(entry.requirement, entry.observed) for entry in listed}


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("pingone", {"par_requirement": "REQUIRED"}),
        ("pingone-aic", {"require_par": True, "consent": "ask"}),
        ("authlete", {"require_par": True, "www_authenticate": True}),
        ("signicat", {"requires_par": True}),
    ],
)
def test_profile_follows_the_policy_of_its_emulator(name: str, settings: dict[str, object]) -> None:
    found = trial(name, settings, "rfc9126-4")

    assert found.crashes == []
    assert {id: wrong for id, wrong in findings(found.run).items() if id.startswith("rfc9126-4")} == {}
    verdicts = {item.id: item.verdict for item in found.run.requirements}
    for_all = Verdict.PASS if found.settings.require_par else Verdict.NOT_APPLICABLE
    assert verdicts["rfc9126-4-par-required-of-client"] is Verdict.PASS
    assert verdicts["rfc9126-4-par-required-plain-refused"] is for_all


def test_errors_in_the_form_of_a_platform_are_what_the_profile_foresees() -> None:
    listed = yaml.safe_load((TARGETS / "pingone.yaml").read_text("utf-8"))["deviations"]
    concerned = [entry["requirement"] for entry in listed]
    settings = {"error_format": "pingone", "oversize_status": 400}
    found = trial("pingone", settings, "rfc9126-2.3", *concerned)

    unused = [entry for entry in found.run.deviations if entry.state != "matched"]
    assert found.crashes == []
    assert set(findings(found.run)) == {"rfc9126-2.3-status-413"}, "with 400 for what is too large, too"
    assert unused == []


def test_restricted_profile_differs_in_name_and_deviations_only() -> None:
    plain, restricted = (
        yaml.safe_load((TARGETS / f"{name}.yaml").read_text("utf-8"))
        for name in ("pingone-aic", "pingone-aic-restricted")
    )

    lifted = [entry for entry in plain["deviations"] if entry not in restricted["deviations"]]

    assert {entry["observed"] for entry in lifted} == {"query-used", "code-issued"}
    assert [entry for entry in plain["deviations"] if entry not in lifted] == restricted["deviations"]
    for name in ("name", "deviations"):
        plain.pop(name), restricted.pop(name)
    assert plain == restricted


@pytest.mark.parametrize("name", sorted(load_dialects()))
def test_environment_of_an_emulator_can_be_read_by_a_shell(name: str) -> None:
    with emulate(load_dialects()[name]) as emulator:
        text = "\n".join(lines(emulator))
        read = "import json, os; print(json.dumps(dict(os.environ)))"
        done = subprocess.run(
            ["sh", "-c", f"{text}\npython3 -c '{read}'"],
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(done.stdout)

        assert {variable: told[variable] for variable in emulator.environment} == emulator.environment
        assert emulator.load().profile.issuer == emulator.running.issuer
        assert emulator.load().profile.limits.requests_per_second == 0


@pytest.mark.parametrize("name", sorted(load_dialects()))
def test_profile_of_a_vendor_loads_for_a_tenant(name: str) -> None:
    dialect = load_dialects()[name]
    with emulate(dialect) as emulator:
        emulated = {dialect.origin_variable, dialect.ca_variable}
        environment = {name: value for name, value in emulator.environment.items() if name not in emulated}
        tenant = {"AIC_TENANT": "tenant.example.com", "SIGNICAT_DOMAIN": "example.sandbox.example.com"}
        profile = load(emulator.profile, environ={**environment, **tenant}).profile

    assert profile.tls.ca_file is None
    assert profile.authorization_to_test is not None
    assert profile.issuer is not None
    assert profile.issuer.startswith(("https://", "http://localhost"))


def test_region_and_environment_make_the_issuer() -> None:
    with emulate(load_dialects()["pingone"]) as emulator:
        environment = {
            **emulator.environment,
            "PINGONE_URL": "",
            "PINGONE_CA_FILE": "",
            "PINGONE_REGION": "com.au",
            "PINGONE_ENVIRONMENT_ID": "environment-1",
        }
        profile = load(emulator.profile, environ=environment).profile

    assert profile.issuer == "https://auth.pingone.com.au/environment-1/as"
    assert profile.hosts == ["apps.pingone.com.au"]


def test_person_who_logs_in_by_hand_needs_no_password() -> None:
    with emulate(load_dialects()["signicat"]) as emulator:
        environment = {**emulator.environment, "SIGNICAT_LOGIN": "", "SIGNICAT_PASSWORD": ""}
        loaded = load(emulator.profile, environ=environment)

    assert loaded.profile.login.driver == "manual"
    assert loaded.keyring.users["first"].password == ""


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("pingone", {"lifetime": 601}, "1 to 600 seconds"),
        ("pingone", {"par_requirement": "SOMETIMES"}, "one of OPTIONAL, REQUIRED"),
        ("pingone-aic", {"cookies": "x"}, "did you mean cookie?"),
    ],
)
def test_wrong_settings_of_a_dialect_are_told(name: str, settings: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)), emulate(load_dialects()[name], settings):
        pass


# -- what each dialect says and does ---------------------------------------------------------------------------------


class Client:
    """A client of an emulator, by hand."""

    def __init__(self, emulator: Emulator, role: str = "first") -> None:
        self.emulator = emulator
        self.server: Any = emulator.running.authorization_server
        loaded = emulator.load()
        self.entry = loaded.profile.clients[role]
        self.secret = loaded.keyring.clients[role].secret or ""
        self.person = loaded.keyring.users["first"]
        trust = ssl.create_default_context(cafile=str(emulator.running.ca_file))
        self.http = httpx2.Client(verify=trust, trust_env=False, timeout=20)

    def push(self, **changes: str) -> httpx2.Response:
        """Push the ordinary request with changes."""
        form = {
            "client_id": self.entry.client_id,
            "response_type": "code",
            "redirect_uri": self.entry.redirect_uris[0],
            "scope": self.entry.scope or "",
            "state": "a-state",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        url = self.server.url("pushed_authorization_request")
        return self.http.post(url, data=form, auth=(self.entry.client_id, self.secret))

    def authorize(self, **more: str) -> httpx2.Response:
        """Open an ordinary pushed request."""
        pushed = self.push(**more).json()
        query = {"client_id": self.entry.client_id, "request_uri": pushed["request_uri"]}
        return self.http.get(self.server.url("authorization"), params=query)

    def redeem(self, location: str) -> httpx2.Response:
        """Redeem the code of a redirect."""
        form = {
            "grant_type": "authorization_code",
            "code": answer_of(location)["code"],
            "redirect_uri": self.entry.redirect_uris[0],
            "code_verifier": VERIFIER,
        }
        return self.http.post(self.server.url("token"), data=form, auth=(self.entry.client_id, self.secret))


@contextmanager
def client_of(name: str, role: str = "first", **settings: object) -> Iterator[Client]:
    """A client of a running emulator."""
    with emulate(load_dialects()[name], settings) as emulator:
        client = Client(emulator, role)
        with client.http:
            yield client


def test_flow_api_brings_a_code_without_any_page() -> None:
    check = {"Content-Type": "application/vnd.pingidentity.usernamePassword.check+json"}
    with client_of("pingone") as client:
        assert client.push().json()["expires_in"] == 60
        flow = client.authorize(response_mode="pi.flow")
        link = flow.json()["_links"]["self"]["href"]
        credentials = {"username": client.person.username, "password": "wrong"}
        wrong = client.http.post(link, content=json.dumps(credentials), headers=check)
        credentials["password"] = client.person.password
        right = client.http.post(link, content=json.dumps(credentials), headers=check)
        end = client.http.get(right.json()["resumeUrl"])

        assert (flow.status_code, flow.json()["status"]) == (200, "USERNAME_PASSWORD_REQUIRED")
        assert (wrong.status_code, wrong.json()["code"]) == (400, "INVALID_REQUEST")
        assert right.json()["status"] == "COMPLETED"
        assert client.redeem(end.headers["location"]).status_code == 200


def test_flow_belongs_to_its_browser() -> None:
    with client_of("pingone") as client:
        page = client.authorize().headers["location"]
        client.http.cookies.clear()

        assert client.http.get(page).status_code == 404


def test_hosted_page_works_by_its_script() -> None:
    with client_of("pingone") as client:
        page = client.http.get(client.authorize().headers["location"])
        script = page.text.split("<script>")[1].split("</script>")[0]
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

        assert f"'sha256-{digest}'" in page.headers["content-security-policy"]
        assert "data-flow=" in page.text
        assert 'method="post"' not in page.text


def test_worker_has_nothing_to_push() -> None:
    with client_of("pingone", workers=["second"]) as client:
        findings = {finding.subject: finding for finding in examine_as(client.emulator)}

    told = findings["client second (client_secret_post)"]
    assert not told.good
    assert "unauthorized_client" in told.found
    assert "client credentials only has nothing to push" in (told.fix or "")
    assert findings["login"].good


def examine_as(emulator: Emulator) -> list[Finding]:
    """What the doctor finds under an emulator's environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        return examine(emulator.profile)


def test_largest_request_of_an_environment() -> None:
    with client_of("pingone", oversize_status=400) as client:
        assert client.push(filler="x" * 1_000_000).status_code == 201
        assert client.push(filler="x" * 1_048_576).status_code == 400


def test_unsigned_request_objects_where_they_are_allowed() -> None:
    with client_of("pingone", "signed", allow_unsigned=True) as client:
        assert "none" in client.server.metadata()["request_object_signing_alg_values_supported"]


def test_rest_login_as_the_vendor_describes_it() -> None:
    with client_of("pingone-aic", consent="ask") as client:
        pushed = client.push()
        login = client.http.post(
            f"{client.server.origin}/am/json/realms/root/realms/alpha/authenticate",
            headers={
                "Content-Type": "application/json",
                "X-OpenAM-Username": client.person.username,
                "X-OpenAM-Password": client.person.password,
                "Accept-API-Version": "resource=2.0, protocol=1.0",
            },
        )
        token = login.json()["tokenId"]
        decision = {
            "client_id": client.entry.client_id,
            "request_uri": pushed.json()["request_uri"],
            "csrf": token,
            "decision": "allow",
        }
        cookies = {"Cookie": f"iPlanetDirectoryPro={token}"}
        client.http.cookies.clear()
        url = client.server.url("authorization")
        forged = client.http.post(url, data={**decision, "csrf": "other"}, headers=cookies)
        end = client.http.post(url, data=decision, headers=cookies)

        assert (pushed.status_code, pushed.json()["expires_in"]) == (201, 90)
        assert re.fullmatch("[A-Za-z0-9]{27}", pushed.json()["request_uri"])
        assert set(login.json()) == {"tokenId", "successUrl", "realm"}
        assert forged.status_code == 400
        assert end.is_redirect
        assert "iss" in answer_of(end.headers["location"])
        assert client.redeem(end.headers["location"]).json()["token_type"] == "Bearer"


def test_person_who_came_in_time_may_log_in_slowly() -> None:
    with client_of("pingone-aic", lifetime=1) as client:
        pushed = client.push().json()
        query = {"client_id": client.entry.client_id, "request_uri": pushed["request_uri"]}
        url = client.server.url("authorization")
        page = client.http.get(url, params=query)
        client.server.now = lambda: time.time() + 10
        names = {"X-OpenAM-Username": client.person.username, "X-OpenAM-Password": client.person.password}
        client.http.post(f"{client.server.origin}{client.server.authenticate_path}", headers=names)
        end = client.http.get(dict(parse_qsl(urlsplit(page.headers["location"]).query))["goto"])
        client.http.cookies.delete("visit")
        elsewhere = client.http.get(url, params=query)

        assert "code" in answer_of(end.headers["location"])
        assert elsewhere.status_code == 400


def test_wrong_password_over_rest() -> None:
    with client_of("pingone-aic") as client:
        url = f"{client.server.origin}{client.server.authenticate_path}"
        answer = client.http.post(url, headers={"X-OpenAM-Username": client.person.username, "X-OpenAM-Password": "no"})

        assert (answer.status_code, answer.json()["message"]) == (401, "Authentication Failed")


def test_login_page_leads_nowhere_else() -> None:
    with client_of("pingone-aic") as client:
        page = f"{client.server.origin}/am/XUI/"

        assert client.http.get(page, params={"goto": "https://attacker.example/"}).status_code == 400


def test_errors_at_the_authorization_endpoint_stay_there() -> None:
    with client_of("pingone-aic") as client:
        query = {"client_id": client.entry.client_id, "response_type": "code", "scope": "par-not-granted"}
        query["redirect_uri"] = client.entry.redirect_uris[0]
        answer = client.http.get(client.server.url("authorization"), params=query)

        assert answer.status_code == 401
        assert not answer.is_redirect


def test_nothing_but_credentials_beside_a_request_object() -> None:
    with client_of("pingone-aic") as client:
        answer = client.push(request="a.b.c")

        assert answer.status_code == 400
        assert answer.json()["error_description"] == "Invalid parameter scope"


def test_page_of_the_reference_server_asks_for_everything_at_once() -> None:
    with client_of("authlete") as client:
        page = client.authorize()
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        form = {**fields, "loginId": client.person.username, "password": client.person.password}
        denied = client.http.post(client.server.url("decision"), data={**form, "authorized": ""})
        page = client.authorize()
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        fields.pop("denied", None)
        again = {**fields, "loginId": client.person.username, "password": client.person.password}
        allowed = client.http.post(client.server.url("decision"), data=again)

        assert 'name="loginId"' in page.text
        assert answer_of(denied.headers["location"])["error"] == "access_denied"
        assert client.redeem(allowed.headers["location"]).status_code == 200
        assert 'name="loginId"' not in client.authorize().text


def test_response_type_beside_the_request_uri() -> None:
    with client_of("signicat") as client:
        pushed = client.push().json()
        query = {"client_id": client.entry.client_id, "request_uri": pushed["request_uri"]}
        url = client.server.url("authorization")

        assert pushed["expires_in"] == 600
        assert re.fullmatch("urn:ietf:params:oauth:request_uri:[0-9A-F]{64}", pushed["request_uri"])
        assert client.http.get(url, params=query).status_code == 400
        assert client.http.get(url, params={**query, "response_type": "code"}).is_redirect

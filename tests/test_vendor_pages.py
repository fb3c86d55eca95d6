"""The table of docs/vendor-pages.md, the pages on targets and the shipped profiles, held against the suite."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from conformance import doctor
from conformance.bench.material import make_keys, make_secret
from conformance.check import functions
from conformance.emulator import made_up
from conformance.init import InitError, init, next_steps, vendors
from conformance.profile.load import load
from conformance.profile.model import Profile
from conformance.profile.shipped import shipped
from conformance.profile.variables import variables
from conformance.server.dialects import load_dialects

ROOT = Path(__file__).parent.parent
SEEDS = ("pingone", "pingone-aic", "authlete", "signicat")
OTHERS = (
    *("keycloak", "auth0", "okta", "duende", "curity", "connect2id", "pingfederate", "wso2"),
    *("authelia", "spring-authorization-server", "logto", "bluesky-pds"),
)

#: Those whose profiles were tried on the system itself: their deviations were seen.
TRIED = ("keycloak", "spring-authorization-server")

#: Where a made-up word would not do.
ADDRESSES = {"BLUESKY_PDS_URL": "https://pds.example.com"}


def rows() -> list[tuple[str, str]]:
    """What a page says, and what puts it to the test."""
    text = (ROOT / "docs" / "vendor-pages.md").read_text(encoding="utf-8")
    found = [line.strip().strip("|").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return [
        (row[0].strip(), row[1].strip()) for row in found if row[0].strip() != "the page says" and "---" not in row[0]
    ]


def test_every_behaviour_has_a_check_or_a_message() -> None:
    known = {f"{one.__module__.rsplit('.', 1)[-1]}::{one.__name__}" for one in functions()}
    messages = Path(doctor.__file__).read_text(encoding="utf-8")

    for says, by in rows():
        checks = re.findall(r"`(test_\w+::test_\w+)`", by)
        told = re.findall(r'doctor: "([^"]+)"', by)
        assert checks or told or by.startswith("left out: "), says
        assert not set(checks) - known, says
        assert all(message in messages for message in told), says


def test_every_page_is_in_the_table() -> None:
    text = (ROOT / "docs" / "vendor-pages.md").read_text(encoding="utf-8")

    assert len(re.findall("^## ", text, re.MULTILINE)) == 5
    assert len(rows()) > 70
    assert sum(by.startswith("left out: ") for _, by in rows()) == 1


@pytest.mark.parametrize("name", [*SEEDS, *OTHERS])
def test_page_on_a_target_names_the_variables_of_its_profile(name: str) -> None:
    page = (ROOT / "docs" / "targets" / f"{name}.md").read_text(encoding="utf-8")
    document = yaml.safe_load((ROOT / "targets" / f"{name}.yaml").read_text(encoding="utf-8"))
    quoted = " ".join(re.findall(r"`([A-Z][A-Z0-9_{}]+)`", page))
    patterns = [re.escape(word).replace(re.escape("{ROLE}"), "[A-Z0-9_]+") for word in quoted.split()]

    untold = [
        one
        for one in variables(document)
        if not any(re.fullmatch(pattern, one) for pattern in patterns)
        and not one.endswith("_CA_FILE")
        and "SECOND_" not in one
        and one not in {"PAR_AUTHORIZED_REFERENCE", "PAR_REQUESTS_PER_SECOND"}
    ]

    assert untold == []


@pytest.mark.parametrize("name", [*SEEDS, *OTHERS, "pingone-aic-restricted"])
def test_profile_of_a_vendor_says_what_nobody_has_confirmed(name: str) -> None:
    document = yaml.safe_load((ROOT / "targets" / f"{name}.yaml").read_text(encoding="utf-8"))

    if name in TRIED:
        return
    assert document["unverified"]
    if name in OTHERS:
        assert all(entry["unverified"] for entry in document["deviations"])
    assert all(len(entry["reason"].split("(")) == 2 for entry in document["deviations"]), "a reason names its source"


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_profile_loads(name: str, tmp_path: Path) -> None:
    tomorrow = (date.today() + timedelta(days=1)).isoformat()
    environment = made_up(shipped()[name], tmp_path, {"PAR_AUTHORIZED_UNTIL": tomorrow, **ADDRESSES})
    profile = tmp_path / "targets" / f"{name}.yaml"
    profile.parent.mkdir()
    text = shipped()[name].read_text(encoding="utf-8")
    profile.write_text(text, encoding="utf-8")
    for path in re.findall(r"file: (\.\./\.servers/[^}\s]+)", text):  # what starting the server would make
        file = profile.parent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".jwks"):
            make_keys(file, ["ES256", "PS256"], "made-up")
        else:
            make_secret(file)

    assert load(profile, environ=environment).profile.clients["first"].client_id


@pytest.mark.parametrize("name", sorted(vendors()))
def test_new_user_is_told_what_is_wanted(name: str, tmp_path: Path) -> None:
    path = init(name, tmp_path)
    told = list(next_steps(path, {}))
    wanted = {line.split()[0] for line in told if line.startswith("  ") and "=" not in line} - {"par-conformance"}

    assert path.read_bytes() == shipped()[name].read_bytes()
    assert told[1].endswith(f"{name.removesuffix('-restricted')}.md")
    assert Path(told[1].rpartition(": ")[2]).is_file()
    assert told[-1] == f"  par-conformance doctor {name}.yaml"
    assert list(next_steps(path, dict.fromkeys(wanted, "x")))[2:3] != told[2:3], "what is set is no task"
    with pytest.raises(InitError, match="is there already"):
        init(name, tmp_path)


def test_vendors_are_those_with_a_page() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "targets").glob("*.md")}

    assert pages == {*SEEDS, *OTHERS}
    assert set(vendors()) == pages | {"pingone-aic-restricted"}


def test_pages_on_seed_vendors_tell_every_setting_of_their_own() -> None:
    for name, dialect in load_dialects().items():
        page = (ROOT / "docs" / "targets" / f"{name.removesuffix('-api')}.md").read_text(encoding="utf-8")
        own = [setting for setting in vars(dialect.settings)["__annotations__"] if setting not in INHERITED]
        assert [setting for setting in own if f"`{setting}`" not in page and setting not in page] == [], name


#: Settings of the reference server for which a dialect only has another default.
INHERITED = set(Profile.model_fields) | {
    *("metadata", "iss", "jwe", "jarm", "dpop", "rar", "resource_indicators", "mtls", "claims_parameter"),
    *("signing_algs", "introspection", "body_limit"),
}

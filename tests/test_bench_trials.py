"""What the bench makes of runs: a verdict, a comparison of repeated runs, and the page in docs/."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from conformance.bench import SERVERS, Started, trials
from conformance.bench.command import main, table
from conformance.bench.document import document
from conformance.bench.recipe import TARGETS
from conformance.bench.repeat import differences
from conformance.bench.trials import ABOUT, Trial, recorded, without_browser
from conformance.report.record import Run
from conformance.verdict import Answer, Verdict
from tests.records import clean_run, sample_run

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "servers.md"
#: The servers that `make test-servers` tries: every finding of theirs has been looked at.
SETTLED = re.findall(r"^SERVERS \?= (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[0].split()
PROFILES = [name for server in SETTLED for name in SERVERS[server].profiles]


def trial(run: Run | None, server: str = "oidc-provider") -> Trial:
    return Trial(server, "1.0", SERVERS[server].profiles[0], run, 61.4, "it did not start")


def test_a_trial_is_good_if_its_gate_holds() -> None:
    assert trial(clean_run(gate=Answer.PASS)).good
    assert not trial(clean_run(gate=Answer.FAIL)).good
    assert not trial(clean_run(gate=Answer.INCOMPLETE, problems=["one"])).good
    assert not trial(None).good


def test_a_server_without_pushed_requests_has_to_end_incomplete_with_one_sentence() -> None:
    assert trial(clean_run(gate=Answer.INCOMPLETE, problems=["no endpoint"]), "lemonldap-ng").good
    assert not trial(clean_run(gate=Answer.INCOMPLETE, problems=[]), "lemonldap-ng").good
    assert not trial(clean_run(gate=Answer.INCOMPLETE, problems=["one", "two"]), "lemonldap-ng").good
    assert not trial(clean_run(gate=Answer.PASS, problems=["no endpoint"]), "lemonldap-ng").good


@pytest.mark.parametrize(("again", "gates"), [(True, ["incomplete", "pass"]), (False, ["incomplete"])])
def test_an_undecided_run_is_followed_by_a_second_one(
    monkeypatch: pytest.MonkeyPatch, again: bool, gates: list[str]
) -> None:
    runs = iter([trial(clean_run(gate=Answer.INCOMPLETE)), trial(clean_run(gate=Answer.PASS))])
    monkeypatch.setattr(trials, "running", lambda name: nullcontext(SimpleNamespace(profiles=["oidc-provider.yaml"])))
    monkeypatch.setattr(trials, "trial", lambda *_, **__: next(runs))

    found = list(trials.trials(["oidc-provider"], again=again))

    assert [item.run.gate for item in found if item.run] == gates


def test_two_runs_that_say_the_same_have_no_difference() -> None:
    assert differences([sample_run(), sample_run()]) == []


def test_a_verdict_that_changes_is_told_with_how_often() -> None:
    run = sample_run()
    first, *others = run.requirements
    changed = run.model_copy(
        update={"requirements": [first.model_copy(update={"verdict": Verdict.INCONCLUSIVE}), *others]}
    )

    assert differences([run, changed, run]) == [f"{first.id}: {first.verdict} (2), inconclusive (1)"]


def test_a_check_that_sees_something_else_or_nothing_is_told() -> None:
    run = sample_run()
    broken = next(check for check in run.checks if check.observed)
    others = [check for check in run.checks if check is not broken]
    other = run.model_copy(update={"checks": [*others, broken.model_copy(update={"observed": "other"})]})
    without = run.model_copy(update={"checks": others})

    assert differences([run, other]) == [
        f"{broken.name}: violation {broken.observed} (1), violation other (1)",
    ]
    assert differences([run, without]) == [f"{broken.name}: violation {broken.observed} (1), nothing (1)"]
    assert differences([without, run]) == [f"{broken.name}: nothing (1), violation {broken.observed} (1)"]


def test_a_profile_without_its_browser_is_the_same_otherwise(tmp_path: Path) -> None:
    """The copy reads the secrets of the server's folder, wherever it lies."""
    folder = tmp_path / ".servers" / "oidc-provider"
    folder.mkdir(parents=True)
    profile = TARGETS / "oidc-provider.yaml"
    started = Started("oidc-provider", 1, "", "", 0, "1.0", (profile,), {}, folder / "server.log")

    copy = without_browser(profile, started)

    original, changed = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (profile, copy))
    assert changed.pop("browser") == {"off": True}
    text = json.dumps(original).replace("../.servers/", f"{folder.parent}/")
    assert changed == json.loads(text)
    assert copy.stem == profile.stem
    assert copy.stat().st_mode & 0o077 == 0


def test_what_was_recorded_is_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "oidc-provider" / "20261120T093000Z"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(sample_run().model_dump_json(), encoding="utf-8")
    about = {"server": "oidc-provider", "version": "1.0", "profile": "oidc-provider.yaml", "seconds": 61.4}
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")

    found = list(recorded(["oidc-provider", "idpyoidc"], tmp_path))

    assert [(item.server, item.version, item.run is not None) for item in found] == [
        ("oidc-provider", "1.0", True),
        ("idpyoidc", "", False),
    ]
    assert table(found).row_count == 2


def test_the_document_tells_every_finding_with_its_reason() -> None:
    run = sample_run()

    text = document([trial(run), trial(None, "idpyoidc")])

    for requirement in run.requirements:
        if requirement.verdict in {Verdict.FAIL, Verdict.WARN, Verdict.NOTE, Verdict.DEVIATION}:
            assert f"- [{requirement.id}]({requirement.url})" in text
    for deviation in run.deviations:
        if deviation.state == "matched":
            assert deviation.reason in text
    assert "it did not start." in text
    assert not re.search(r"(?<!\\)<", text)


def test_an_unknown_server_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no-such-server"]) == 2
    assert "there is no server no-such-server: choose from oidc-provider" in capsys.readouterr().err


# -- docs/servers.md, held against the profiles without running anything ---------------------------------------------


def section(name: str) -> str:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.count(f"\n## {name}\n") == 1
    return text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_the_document_has_every_profile_that_is_tried() -> None:
    titles = re.findall(r"^## (.+)$", DOCUMENT.read_text(encoding="utf-8"), re.M)

    assert set(PROFILES) <= set(titles)
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("name", PROFILES)
def test_the_document_tells_the_deviations_of_the_profile(name: str) -> None:
    """Each with what is observed; a profile that is changed wants the document written anew."""
    block = section(name).partition("Known deviations:\n\n")[2].partition("\n\n")[0]
    told = {
        (id, word)
        for id, words in re.findall(r"^- \[([^\]]+)\].*? Seen \(([^)]+)\):", block, re.M)
        for word in re.findall(r"`([^`]+)`", words)
    }
    document = yaml.safe_load((TARGETS / name).read_text(encoding="utf-8"))

    assert told == {(entry["requirement"], entry["observed"]) for entry in document.get("deviations", [])}

"""Installing, with stand-ins for npm, node and apt: what is run, what is told when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.bench import BenchError
from conformance.bench.install import debian, npm, run
from conformance.bench.process import tool

PLAN = """\
NOTE: This is only a simulation!
Inst libfirst [0.9] (1.0-1 Debian:12/stable [amd64])
Inst server (2:2.0-1 Debian:12/stable [amd64])
Conf server (2:2.0-1 Debian:12/stable [amd64])
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that are found in place of the system's."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "server"
    made.mkdir()
    return made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "recipe"
    made.mkdir()
    (made / "package.json").write_text("{}", encoding="utf-8")
    (made / "package-lock.json").write_text("{}", encoding="utf-8")
    return made


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def test_a_missing_program_is_told_with_the_way_out(programs: Path) -> None:
    with pytest.raises(BenchError, match="no-such-program is not installed here: install it"):
        tool("no-such-program")


def test_a_failure_is_told_with_its_log(folder: Path) -> None:
    with pytest.raises(BenchError, match=rf"trying failed with status 3: see {folder}/install\.log"):
        run(["/bin/sh", "-c", "echo what went wrong >&2; exit 3"], folder, purpose="trying")

    assert "what went wrong" in (folder / "install.log").read_text(encoding="utf-8")


def test_npm_installs_what_is_locked_and_runs_no_script(programs: Path, source: Path, folder: Path) -> None:
    program(programs, "node", "echo v22.1.0")
    program(programs, "npm", 'echo "$@" >> calls')

    npm(source, folder, node=20)
    npm(source, folder, node=20)

    assert (folder / "calls").read_text(encoding="utf-8") == "ci --ignore-scripts --no-audit --no-fund\n"
    assert (folder / "package-lock.json").exists()


def test_another_lock_is_installed_anew(programs: Path, source: Path, folder: Path) -> None:
    program(programs, "node", "echo v22.1.0")
    program(programs, "npm", 'echo "$@" >> calls')
    npm(source, folder, node=20)
    (source / "package-lock.json").write_text('{"other": 1}', encoding="utf-8")

    npm(source, folder, node=20)

    assert len((folder / "calls").read_text(encoding="utf-8").splitlines()) == 2


def test_an_old_node_is_told(programs: Path, source: Path, folder: Path) -> None:
    program(programs, "node", "echo v18.20.0")

    with pytest.raises(BenchError, match=r"Node\.js v18\.20\.0 is here, but 20 or later is needed"):
        npm(source, folder, node=20)


def test_a_failed_installation_is_tried_again(programs: Path, source: Path, folder: Path) -> None:
    program(programs, "node", "echo v22.1.0")
    program(programs, "npm", "exit 1")
    with pytest.raises(BenchError, match=r"install\.log"):
        npm(source, folder, node=20)

    program(programs, "npm", 'echo "$@" >> calls')
    npm(source, folder, node=20)

    assert (folder / "calls").exists()


def test_packages_are_unpacked_into_the_folder_only(programs: Path, folder: Path) -> None:
    """What the plan lists is fetched in the version that it lists; nothing is installed."""
    (folder / "plan").write_text(PLAN, encoding="utf-8")
    program(
        programs,
        "apt-get",
        f'echo "$@" >> {folder}/calls\ncase $1 in install) cat {folder}/plan;; download) touch some.deb;; esac',
    )
    program(programs, "dpkg-deb", 'echo "$@" >> calls; mkdir -p "$3/usr/bin"')

    root = debian(["server", "script"], folder)

    assert root == folder / "root"
    assert (root / "usr/bin").is_dir()
    simulated, fetched, extracted = (folder / "calls").read_text(encoding="utf-8").splitlines()
    assert simulated == "install --simulate --no-install-recommends server script"
    assert fetched == "download libfirst=1.0-1 server=2:2.0-1 script"
    assert extracted == f"--extract {folder}/archives/some.deb {root}"
    assert not (folder / "archives").exists()

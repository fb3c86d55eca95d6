"""Installing servers into a folder of their own: from npm, from PyPI, from Debian's packages."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from conformance.bench.process import tool
from conformance.bench.recipe import BenchError

Environment = Mapping[str, str] | None

#: Seconds that one command of an installation may take.
LONGEST = 900


def run(
    command: Sequence[str], folder: Path, *, purpose: str, within: str = ".", environment: Environment = None
) -> str:
    """Run one command of an installation, in the folder `within` the server's `folder`; return what it printed.

    Everything is appended to install.log in `folder`. BenchError, naming that file, if it fails or takes too long.
    """
    log = folder / "install.log"
    try:
        done = subprocess.run(  # noqa: S603 - the commands are ours, written down in the recipes
            command,
            cwd=folder / within,
            env=None if environment is None else os.environ | dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"{purpose} failed ({error}): see {log}") from error
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}\n")
    if done.returncode:
        raise BenchError(f"{purpose} failed with status {done.returncode}: see {log}, mend it and try again")
    return done.stdout


def unless_done(folder: Path, fingerprint: bytes) -> bool:
    """Whether an installation with this fingerprint still has to be made."""
    stamp = folder / ".installed"
    return not stamp.exists() or stamp.read_text(encoding="ascii") != hashlib.sha256(fingerprint).hexdigest()


def done(folder: Path, fingerprint: bytes) -> None:
    """Note that an installation is complete."""
    (folder / ".installed").write_text(hashlib.sha256(fingerprint).hexdigest(), encoding="ascii")


def copy(source: Path, folder: Path, names: Iterable[str]) -> None:
    """Copy files of a recipe beside what they need."""
    for name in names:
        shutil.copyfile(source / name, folder / name)


def npm(source: Path, folder: Path, *, node: int) -> None:
    """Install what package.json and package-lock.json of a recipe pin; no script of a package is run.

    `node` is the lowest major version of Node.js that will do.
    """
    version = run([tool("node"), "--version"], folder, purpose="asking Node.js for its version")
    if not version.startswith("v") or int(version[1:].split(".")[0]) < node:
        raise BenchError(
            f"Node.js {version.strip() or '(no answer)'} is here, but {node} or later is needed: update it"
        )
    lock = (source / "package-lock.json").read_bytes()
    if not unless_done(folder, lock):
        return
    copy(source, folder, ("package.json", "package-lock.json"))
    run(
        [tool("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        folder,
        purpose=f"installing {source.name} from npm",
    )
    done(folder, lock)


def pip(source: Path, folder: Path) -> Path:
    """Install the requirements.txt of a recipe into a virtual environment. Returns its python."""
    python = folder / "venv" / "bin" / "python"
    requirements = (source / "requirements.txt").read_bytes()
    if unless_done(folder, requirements):
        copy(source, folder, ("requirements.txt",))
        shutil.rmtree(folder / "venv", ignore_errors=True)
        run([sys.executable, "-m", "venv", "venv"], folder, purpose=f"making an environment for {source.name}")
        run(
            [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-r", "requirements.txt"],
            folder,
            purpose=f"installing {source.name} from PyPI",
        )
        done(folder, requirements)
    return python


def debian(packages: Sequence[str], folder: Path) -> Path:
    """Unpack packages of the system's distribution, and what they need, into `folder`/root. Returns that root.

    Nothing is installed in the system: no root, no service started, no question asked. What they need and the
    system has already is not fetched again. BenchError where there is no apt, or its lists lack a package.
    """
    root = folder / "root"
    wanted = " ".join(packages).encode()
    if not unless_done(folder, wanted):
        return root
    purpose = f"unpacking {packages[0]} from the distribution's packages"
    plan = run(
        [tool("apt-get"), "install", "--simulate", "--no-install-recommends", *packages],
        folder,
        purpose=f"{purpose} (are apt's lists up to date?)",
    )
    missing = {words[1]: words for words in map(str.split, plan.splitlines()) if words[:1] == ["Inst"]}
    # What is asked for is fetched even if the system has it: others find their way to it by relative links.
    versions = {name: next(w for w in words if w.startswith("("))[1:] for name, words in missing.items()}
    names = [f"{name}={version}" for name, version in versions.items()]
    names += [name for name in packages if name not in versions]
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(folder / "archives", ignore_errors=True)
    archives = folder / "archives"
    archives.mkdir()
    root.mkdir()
    run([tool("apt-get"), "download", *names], folder, within="archives", purpose=purpose)
    for archive in sorted(archives.glob("*.deb")):
        run([tool("dpkg-deb"), "--extract", str(archive), str(root)], folder, purpose=purpose)
    shutil.rmtree(archives)
    done(folder, wanted)
    return root


def libraries(root: Path) -> str:
    """Where the shared libraries of an unpacked root lie, as LD_LIBRARY_PATH wants it."""
    folders = [*root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*"), root / "usr/lib"]
    return ":".join(str(folder) for folder in folders)


def debian_version(package: str, root: Path) -> str:
    """The version of an unpacked package, as its changelog's first line tells it."""
    for log in sorted((root / "usr/share/doc" / package).glob("changelog.Debian*.gz")):
        with gzip.open(log, "rt", encoding="utf-8") as file:
            return file.readline().partition("(")[2].partition(")")[0]
    raise BenchError(f"{package} was not unpacked as expected: remove {root.parent} and try again")

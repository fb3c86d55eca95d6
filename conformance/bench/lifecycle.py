"""Starting, listing and stopping the servers of the bench."""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import httpx2
import yaml

from conformance.bench.material import make, write_private
from conformance.bench.process import free_port, identity, start, stop
from conformance.bench.recipe import TARGETS, BenchError, Place, Recipe, Started
from conformance.bench.servers import SERVERS
from conformance.profile.model import Profile

#: Where the servers live, unless somebody says otherwise; the profiles look there.
STATE = Path(".servers")

#: Seconds that a server may take from its start until it answers.
PATIENCE = 30.0


def recipe(name: str) -> Recipe:
    """The recipe of a server. BenchError, with the names that there are, if it has none."""
    try:
        return SERVERS[name]
    except KeyError:
        raise BenchError(f"there is no server {name!r}: choose one of {', '.join(SERVERS)}") from None


def up(name: str, *, state: Path = STATE, port: int | None = None) -> Started:
    """Install a server if need be, start it on loopback, wait until it answers, and say where it is.

    A server that runs already is left alone and returned. Without `port` the recipe's own port is taken if it is
    free, any free one otherwise. BenchError with one sentence and the way out if it cannot be done.
    """
    plan = recipe(name)
    folder = state.resolve() / name
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    with _alone(folder):
        if running := _read(folder):
            return running
        return _start(plan, folder, port)


def down(name: str, *, state: Path = STATE) -> bool:
    """Stop a server that `up` started. False if it does not run. BenchError if it does not end."""
    recipe(name)
    folder = state.resolve() / name
    if not folder.is_dir():
        return False
    with _alone(folder):
        started = _read(folder)
        ended = started is not None and stop(started.pid, started.identity)
        (folder / "server.json").unlink(missing_ok=True)
        return ended


def listing(*, state: Path = STATE) -> dict[str, Started | None]:
    """Every server there is a recipe for: how it runs, or None."""
    return {name: _read(state.resolve() / name) for name in SERVERS}


@contextlib.contextmanager
def running(name: str, *, state: Path = STATE, port: int | None = None) -> Iterator[Started]:
    """A running server for a test. It is stopped afterwards, unless it ran before."""
    before = _read(state.resolve() / recipe(name).name)
    started = up(name, state=state, port=port)
    try:
        yield started
    finally:
        if before is None:
            down(name, state=state)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep two commands from installing or starting the same server at once."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read(folder: Path) -> Started | None:
    """What server.json says, if that very process still runs."""
    try:
        said = json.loads((folder / "server.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BenchError(
            f"{folder / 'server.json'} cannot be read ({error}): end the server by hand, remove it"
        ) from error
    said["profiles"] = tuple(Path(path) for path in said["profiles"])
    del said["profile"]
    started = Started(**(said | {"log": Path(said["log"])}))
    return started if identity(started.pid) == started.identity else None


def _write(folder: Path, started: Started) -> None:
    said = asdict(started) | {
        "profile": str(started.profile),
        "profiles": [str(path) for path in started.profiles],
        "log": str(started.log),
    }
    write_private(folder / "server.json", json.dumps(said, indent=2) + "\n")


def _start(plan: Recipe, folder: Path, port: int | None) -> Started:
    version = plan.install(folder)
    profiles = tuple(_parse(TARGETS / name) for name in plan.profiles)
    for profile in profiles:
        make(profile, folder)
    chosen = free_port(plan.port) if port is None else port
    if port is not None and free_port(port) != port:
        raise BenchError(f"port {port} is taken: choose another one, or none to let one be found")
    place = Place(folder=folder, port=chosen, profiles=profiles)
    log = folder / "server.log"
    launch = plan.launch(place)
    begun = time.time()
    pid = start(launch, log)
    known = identity(pid)
    if known is None:
        raise BenchError(f"{plan.name} ended at once: see {log}")
    try:
        _wait(plan, place, pid, log)
        if plan.settle:
            plan.settle(place)
    except BaseException:
        stop(pid, known)
        raise
    started = Started(
        name=plan.name,
        pid=pid,
        identity=known,
        url=place.url,
        started=begun,
        version=version,
        profiles=_place_profiles(plan, place),
        environment={} if place.url == plan.default_url else {plan.variable: place.url},
        log=log,
    )
    _write(folder, started)
    return started


def _parse(path: Path) -> Profile:
    try:
        return Profile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise BenchError(f"{path} is no profile that the bench can use: {error}") from error


def _place_profiles(plan: Recipe, place: Place) -> tuple[Path, ...]:
    """The profiles to use: those of the repository if they look into this folder, copies that do otherwise."""
    expected = (TARGETS.parent / ".servers").resolve()
    if place.folder.parent == expected:
        return tuple(TARGETS / name for name in plan.profiles)
    copies = []
    for name in plan.profiles:
        text = (TARGETS / name).read_text(encoding="utf-8")
        copy = place.folder / name
        write_private(copy, text.replace("../.servers/", f"{place.folder.parent}/"))
        copies.append(copy)
    return tuple(copies)


def _wait(plan: Recipe, place: Place, pid: int, log: Path) -> None:
    """Poll until the server answers. BenchError if it ends or takes too long."""
    end = time.monotonic() + PATIENCE
    with httpx2.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < end:
            if identity(pid) is None:
                raise BenchError(f"{plan.name} ended before it answered: see {log}")
            if _answers(client, place.url + plan.ready):
                return
            time.sleep(0.05)
    raise BenchError(f"{plan.name} did not answer at {place.url}{plan.ready} in {PATIENCE:.0f} s: see {log}")


def _answers(client: httpx2.Client, url: str) -> bool:
    try:
        answer = client.get(url)
    except httpx2.TransportError:
        return False
    return answer.status_code == httpx2.codes.OK and "json" in answer.headers.get("content-type", "")


def export_lines(environment: Mapping[str, str]) -> list[str]:
    """What to type so that the profiles find a server that is not where they expect it."""
    return [f"export {name}={value}" for name, value in environment.items()]

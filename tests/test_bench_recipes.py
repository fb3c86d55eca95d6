"""Every recipe and its profiles, as they lie in the repository: pinned, and of one mind."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from conformance import bench
from conformance.bench import SERVERS, Recipe
from conformance.bench.recipe import TARGETS
from conformance.profile.model import Profile

BENCH = Path(bench.__file__).parent
LOCKS = sorted(BENCH.glob("*/package-lock.json"))
PROFILES = [(recipe, name) for recipe in SERVERS.values() for name in recipe.profiles]


def parsed(name: str) -> Profile:
    return Profile.model_validate(yaml.safe_load((TARGETS / name).read_text(encoding="utf-8")))


def files(profile: Profile) -> list[str]:
    secrets = [client.secret.file for client in profile.clients.values() if client.secret]
    keys = [client.keys.file for client in profile.clients.values() if client.keys]
    passwords = [user.password.file for user in profile.users.values()]
    return [str(path) for path in (*secrets, *keys, *passwords)]


def test_each_recipe_is_listed_under_its_own_name() -> None:
    assert {name: recipe.name for name, recipe in SERVERS.items()} == {name: name for name in SERVERS}


def test_no_two_servers_want_the_same_port_or_variable() -> None:
    assert len({recipe.port for recipe in SERVERS.values()}) == len(SERVERS)
    assert len({recipe.variable for recipe in SERVERS.values()}) == len(SERVERS)


@pytest.mark.parametrize(("recipe", "name"), PROFILES, ids=[name for _, name in PROFILES])
def test_a_profile_finds_its_server_by_variable_or_at_its_port(recipe: Recipe, name: str) -> None:
    issuer = str(parsed(name).issuer)

    assert issuer.startswith(f"${{{recipe.variable}:-{recipe.default_url}}}")
    assert urlsplit(recipe.default_url).hostname == "127.0.0.1"


@pytest.mark.parametrize(("recipe", "name"), PROFILES, ids=[name for _, name in PROFILES])
def test_a_profile_reads_secrets_from_the_folder_of_its_server_only(recipe: Recipe, name: str) -> None:
    paths = files(parsed(name))

    assert paths
    assert {Path(path).parent.as_posix() for path in paths} == {f"../.servers/{recipe.name}"}


def test_profiles_of_one_server_agree_on_their_clients() -> None:
    """They share one server, so a client that stands in two of them is registered once."""
    profiles = [parsed(name) for name in SERVERS["glewlwyd"].profiles]
    first, *others = ({client.client_id: client for client in profile.clients.values()} for profile in profiles)

    for other in others:
        assert {client_id: first[client_id] for client_id in other} == other


@pytest.mark.parametrize("lock", LOCKS, ids=[lock.parent.name for lock in LOCKS])
def test_a_lock_pins_versions_and_names_no_place_to_get_them_from(lock: Path) -> None:
    package = json.loads((lock.parent / "package.json").read_text(encoding="utf-8"))
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    locked = {name.removeprefix("node_modules/"): entry for name, entry in packages.items() if name}

    for name, version in package["dependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert locked[name]["version"] == version
    assert all("resolved" not in entry for entry in locked.values())
    assert all(entry["integrity"].startswith("sha512-") for entry in locked.values())


def test_python_requirements_are_pinned() -> None:
    lines = (BENCH / "idpyoidc/requirements.txt").read_text(encoding="utf-8").splitlines()

    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines if not line.startswith("#"))

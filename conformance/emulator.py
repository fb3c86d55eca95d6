"""An emulator: a dialect of the reference server, and the environment that makes its profile point at it.

The profile stays as it is. Every variable of it gets a value: the address of the emulator, or one that is made up, as
every identifier, secret, key and certificate is.
"""

from __future__ import annotations

import json
import secrets
import shlex
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import trustme
import yaml

from conformance.profile.keyring import Keyring, SigningKey, generate_key
from conformance.profile.load import LoadedProfile, load
from conformance.profile.shipped import shipped
from conformance.profile.variables import variables
from conformance.server import Running, serve
from conformance.server.dialects import Dialect, DialectSettings

#: Stands in for the address until the emulator has one.
NOWHERE = "https://127.0.0.1:1"
#: Variables that profiles of every vendor have.
COMMON = {
    "PAR_AUTHORIZED_BY": "nobody: an emulator on loopback",
    "PAR_REQUESTS_PER_SECOND": "0",
}


@dataclass(frozen=True)
class Emulator:
    """An emulator that runs. `environment` makes `profile` point at it."""

    dialect: Dialect
    settings: DialectSettings
    profile: Path
    environment: Mapping[str, str] = field(repr=False)
    running: Running

    def load(self) -> LoadedProfile:
        """The profile under the emulator's environment, and nothing of this process's."""
        return load(self.profile, environ=self.environment)


@contextmanager
def emulate(
    dialect: Dialect,
    given: Mapping[str, object] | None = None,
    *,
    profile: Path | None = None,
    port: int = 0,
    now: Callable[[], float] = time.time,
) -> Iterator[Emulator]:
    """Run a dialect until the block ends.

    `given` are settings of the dialect; `profile` is one in place of the shipped one; `port` 0 lets the system choose;
    `now` gives Unix seconds. SettingsError for a wrong setting, ProfileError for a wrong profile, OSError if the port
    is taken.
    """
    settings = dialect.settings.from_profile(given or {})
    path = profile or shipped()[settings.profile()]
    with tempfile.TemporaryDirectory(prefix="par-conformance-") as folder:
        tomorrow = (date.today() + timedelta(days=1)).isoformat()
        environment = {
            dialect.origin_variable: NOWHERE,
            "PAR_AUTHORIZED_UNTIL": tomorrow,
            **COMMON,
            **dialect.variables,
            **settings.variables(),
        }
        made = _Made(Path(folder), yaml.safe_load(path.read_text(encoding="utf-8")))
        environment |= made.environment(environment)
        loaded = load(path, environ=environment)
        issuer_path = urlsplit(loaded.profile.issuer or "").path
        settings = replace(settings, issuer_path=issuer_path)
        keyring = made.with_authorities(loaded.keyring)
        with serve(loaded.profile, keyring, server=dialect.server, settings=settings, port=port, now=now) as running:
            environment[dialect.origin_variable] = running.authorization_server.origin
            environment[dialect.ca_variable] = str(running.ca_file)
            yield Emulator(dialect, settings, path, environment, running)


def lines(emulator: Emulator) -> Iterator[str]:
    """What a shell reads to point the profile at an emulator; what is for people are comments."""
    name = emulator.dialect.name
    yield f"# {emulator.dialect.about}"
    yield f"# listens on {emulator.running.authorization_server.origin} until Ctrl-C"
    yield f"# to keep these lines for another shell:  par-conformance serve --dialect {name} > {name}.env"
    for variable, value in sorted(emulator.environment.items()):
        yield f"export {variable}={shlex.quote(value)}"
    yield f"# in another shell, after  . ./{name}.env  :"
    yield from (f"# {command}" for command in _commands(emulator))


def _commands(emulator: Emulator) -> Iterator[str]:
    """What a new user enters next: a copy of a shipped profile is examined and run, any other where it is."""
    profile = emulator.profile
    path = shlex.quote(str(profile))
    if shipped().get(profile.stem) == profile:
        path = profile.name
        yield f"par-conformance init {profile.stem}"
    if emulator.dialect.beside:
        yield f"{emulator.dialect.beside}  (which goes on: in a shell of its own, with the same variables)"
    yield f"par-conformance doctor {path}"
    yield f"par-conformance run {path}"


def made_up(profile: Path, folder: Path, known: Mapping[str, str]) -> dict[str, str]:
    """`known`, and a made-up value for every other variable that a profile wants; certificates go into `folder`."""
    document = yaml.safe_load(profile.read_text(encoding="utf-8"))
    return {**known, **_Made(folder, document).environment(known)}


class _Made:
    """What is made up for the variables of one profile."""

    def __init__(self, folder: Path, document: dict[str, Any]) -> None:
        self._folder = folder
        self._document = document
        self._authorities: dict[str, str] = {}

    def environment(self, known: Mapping[str, str]) -> dict[str, str]:
        """A value for every variable of the profile that has neither one in `known` nor a default."""
        found: dict[str, str] = {}
        for role, client in self._document["clients"].items():
            for name in ("secret", "keys"):
                variable = (client.get(name) or {}).get("env")
                if variable:
                    found[variable] = secrets.token_urlsafe(32) if name == "secret" else _key_set(role, client)
            certificate = client.get("certificate")
            if variables(certificate):
                found |= self._certificate(role, certificate)
        for user in self._document.get("users", {}).values():
            variable = user["password"].get("env")
            if variable:
                found[variable] = secrets.token_urlsafe(12)
        for variable in variables(self._document).values():
            wanted = variable.needed or (variable.default is None and variable.unless not in known)
            if wanted and variable.name not in {*known, *found}:
                found[variable.name] = str(uuid.uuid4())
        return found

    def _certificate(self, role: str, certificate: Mapping[str, str]) -> dict[str, str]:
        """A certificate of an authority of its own, in files whose names go into the profile's variables."""
        authority = trustme.CA()
        issued = authority.issue_cert(f"{role.replace('_', '-')}.client.example", common_name=role)
        self._authorities[role] = authority.cert_pem.bytes().decode()
        texts = {
            "certificate_file": issued.cert_chain_pems[0].bytes(),
            "key_file": issued.private_key_pem.bytes(),
        }
        found: dict[str, str] = {}
        for name, content in texts.items():
            path = self._folder / f"{role}.{name}.pem"
            path.write_bytes(content)
            found |= dict.fromkeys(variables(certificate[name]), str(path))
        return found

    def with_authorities(self, keyring: Keyring) -> Keyring:
        """The keyring with the authorities of the certificates: the server trusts them."""
        clients = dict(keyring.clients)
        for role, authority in self._authorities.items():
            held = clients[role].certificate
            if held is not None:
                clients[role] = replace(clients[role], certificate=replace(held, issuer=authority))
        return replace(keyring, clients=clients)


def _key_set(role: str, client: Mapping[str, Any]) -> str:
    """A private JWK set for what a client signs, on one line."""
    objects = client.get("request_objects") or {}
    wanted = [client.get("assertion_alg"), objects.get("alg")] if objects else [client.get("assertion_alg")]
    algorithms = [alg for alg in dict.fromkeys(wanted) if alg] or ["ES256"]
    return json.dumps({"keys": [_private_jwk(generate_key(alg, f"{role}-{alg}")) for alg in algorithms]})


def _private_jwk(key: SigningKey) -> dict[str, Any]:
    private: Any = key.private
    jwk: dict[str, Any] = jwt.get_algorithm_by_name(key.alg).to_jwk(private, as_dict=True)
    return {name: value for name, value in jwk.items() if name != "key_ops"} | {"kid": key.kid, "alg": key.alg}

"""No secret is seen anywhere: not in a file, not on the terminal, whatever the server does and whatever breaks."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import trustme
import yaml

from conformance.profile.keyring import generate_key
from tests.hostile.echo import echo, listen
from tests.hostile.line import Asked, Line, Running, listening

ROOT = Path(__file__).parents[1]
#: A run is interrupted when so many requests were answered, and so many more wait for an answer: all that it may send.
ANSWERED = 40
CONCURRENCY = 8
#: What is shorter stands in any text (characters).
SHORTEST = 6
#: A check that breaks with every secret in its hands, and in the text of its exception.
BREAKS = '''
from conformance.check import verifies


@verifies("rfc9126-2-post-form")
async def test_that_breaks(par, authorization, token, target, wire):
    """This check breaks."""
    answer = await par.push()
    for _ in range(20):  # the server accepts two of three
        answer = answer if answer.accepted else await par.push()
    everything = [*target.keyring.secrets(), answer.push.verifier, answer.push, wire.evidence]
    for exchange in wire.evidence.exchanges:
        everything += [exchange.request, exchange.request.headers, exchange.request.content, exchange.response]
    outcome = await authorization.open(answer)
    try:
        raise ValueError(f"{everything} {outcome.parameters}")
    except ValueError as first:
        raise RuntimeError("\\n".join(map(str, everything))) from first
'''


@dataclass
class Planted:
    """A profile, the secrets behind it, and texts that must not be seen."""

    profile: Path
    secrets: set[str] = field(default_factory=set)


def plant(folder: Path, issuer: str) -> Planted:
    """Write a profile with a secret of every kind, each of its own making."""
    folder.mkdir(exist_ok=True)
    texts = {
        "first.secret": f"first +/%&=\"'<{secrets.token_hex(8)}>é",
        "second.secret": f"second-{secrets.token_urlsafe(20)}",
        "short.secret": "sh0rt!",
        "password": f"pass word {secrets.token_hex(6)}",
        "totp": base64.b32encode(secrets.token_bytes(15)).decode(),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    planted = Planted(folder / "planted.yaml", set(texts.values()))
    keys = [private_jwk(alg) for alg in ("ES256", "PS256")]
    (folder / "keys.json").write_text(json.dumps({"keys": keys}), encoding="utf-8")
    planted.secrets |= {key[name] for key in keys for name in ("d", "p", "q", "dp", "dq", "qi") if name in key}
    certificate = trustme.CA().issue_cert("client.example")
    certificate.cert_chain_pems[0].write_to_path(folder / "client.pem")
    certificate.private_key_pem.write_to_path(folder / "client.key")
    pem = certificate.private_key_pem.bytes().decode()
    planted.secrets |= {line for line in pem.splitlines() if len(line) > 20 and "-----" not in line}
    client: dict[str, Any] = {"redirect_uris": ["https://client.example/callback"], "scope": "openid"}

    def secret(name: str) -> dict[str, str]:
        return {"file": name}

    clients = {
        "first": {"auth": "client_secret_basic", "secret": secret("first.secret")},
        "second": {"auth": "client_secret_post", "secret": secret("second.secret")},
        "third": {"auth": "client_secret_post", "secret": secret("short.secret")},
        "signed": {"auth": "private_key_jwt", "keys": secret("keys.json"), "request_objects": {"alg": "ES256"}},
        "mtls": {
            "auth": "tls_client_auth",
            "certificate": {"certificate_file": "client.pem", "key_file": "client.key"},
        },
        "public": {"auth": "none"},
    }
    profile = {
        "name": "Echo",
        "issuer": issuer,
        "clients": {role: {"client_id": f"{role}-client", **client, **entry} for role, entry in clients.items()},
        "users": {"first": {"username": "alice", "password": secret("password"), "totp": secret("totp")}},
        "limits": {
            "concurrency": CONCURRENCY,
            "request_seconds": 60,
            "check_seconds": 120,
            "longest_wait": 0,
            "examples": 0,
        },
        "browser": {"off": True},
    }
    planted.profile.write_text(yaml.safe_dump(profile), encoding="utf-8")
    return planted


def private_jwk(alg: str) -> dict[str, str]:
    """A private key as a JWK set has it."""
    import jwt

    key: Any = generate_key(alg, alg).private
    jwk: dict[str, str] = jwt.get_algorithm_by_name(alg).to_jwk(key, as_dict=True)
    return {name: value for name, value in jwk.items() if name != "key_ops"} | {"alg": alg, "kid": alg}


def forms(secret: str) -> Iterator[str]:
    """A secret as it may be seen: raw, percent-encoded, in base64 (also inside a longer text), in hex, escaped."""
    for text in {secret, quote(secret, safe=""), quote_plus(secret)}:
        yield text
        yield re.sub("%..", lambda found: found[0].lower(), text)
        data = text.encode()
        yield from (data.hex(), data.hex().upper())
        for before in range(3):
            whole = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
            inner = whole[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
            yield from (inner, inner.replace("+", "-").replace("/", "_"))
    yield from (json.dumps(secret)[1:-1], repr(secret)[1:-1], secret.replace("&", "&amp;").replace("<", "&lt;"))


class Hunt:
    """Looks for planted secrets, by their first signs first: there are many texts, and thousands of forms."""

    def __init__(self, planted: set[str]) -> None:
        self._by_beginning: dict[str, set[tuple[str, str]]] = {}
        for secret in planted:
            for form in {form for form in forms(secret) if len(form) >= SHORTEST}:
                self._by_beginning.setdefault(form[:SHORTEST], set()).add((form, secret))

    def leaks(self, text: str) -> list[str]:
        """Which secrets are seen in a text, and where."""
        found = {}
        seen = {text[place : place + SHORTEST] for place in range(len(text) - SHORTEST + 1)}
        for beginning in seen & self._by_beginning.keys():
            for form, secret in self._by_beginning[beginning]:
                place = text.find(form)
                if place >= 0:
                    around = text[max(0, place - 120) : place + len(form) + 20]
                    found[secret] = f"{secret!r} as {form!r}: …{around!r}…"
        return list(found.values())

    def search(self, folder: Path, output: str) -> None:
        """Look into every file of a folder, and into what was printed."""
        for path in (path for path in folder.rglob("*") if path.is_file()):
            assert self.leaks(path.read_bytes().decode("utf-8", "replace")) == [], path
            assert self.leaks(path.name) == []
        assert self.leaks(output) == [], "printed"


@pytest.mark.parametrize("secret", ["plain-secret", "odd +/%&=\"'<é", "sh0rt!"])
def test_the_hunt_finds_what_is_there(secret: str) -> None:
    hunt = Hunt({secret, "another-secret"})

    for form in forms(secret):
        if len(form) >= SHORTEST:
            assert len(hunt.leaks(f"before{form}after")) == 1, form
    assert hunt.leaks("plain, odd, sh0rt: nothing") == []


def start(planted: Planted, out: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command line, in a process of its own, as loud as it can be."""
    loud = ("-v", "-rA", "--tb=long", "--showlocals", "--log-level=DEBUG", "--log-cli-level=DEBUG")
    command = [sys.executable, "-X", "dev", "-m", "conformance", "run", str(planted.profile), *loud]
    return subprocess.Popen(
        [*command, "--alluredir", str(out / "allure"), "--report-dir", str(out / "reports"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=planted.profile.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"},
    )


def heard(server: Running) -> set[str]:
    """The secrets that went over the wire."""
    return set(server.memory["secrets"])


def test_whole_run_with_a_check_that_breaks(tmp_path: Path) -> None:
    breaking = tmp_path / "test_breaks.py"
    breaking.write_text(BREAKS, encoding="utf-8")
    with listening(echo) as server:
        planted = plant(tmp_path / "profile", server.base)
        chosen = "breaks or token_request or oauth_client_authentication or privacy or server_metadata"
        process = start(planted, tmp_path / "out", str(breaking), "-k", chosen)
        output, _ = process.communicate(timeout=120)
        told = planted.secrets | heard(server)
        otps = server.memory["otps"]

    assert process.returncode in {1, 10}, output[-6000:]
    assert "test_that_breaks" in output
    assert len(told) > 100, "there was something to find"
    Hunt(told).search(tmp_path / "out", output)
    report = next((tmp_path / "out").rglob("report.json")).read_text(encoding="utf-8")
    assert "defect of the suite" in report
    assert "‹secret:" in report
    assert list((tmp_path / "out" / "allure").glob("*-result.json"))
    assert otps
    for otp in otps:
        assert not re.search(rf"(?<![\d.]){otp}(?!\d)", report), "a one-time password"


def test_interrupted_run(tmp_path: Path) -> None:
    async def holding_back(asked: Asked, line: Line) -> None:
        if asked.number >= ANSWERED:
            listen(asked)
            asked.memory["waiting"] = asked.memory.get("waiting", 0) + 1
            await asyncio.Event().wait()
        await echo(asked, line)

    with listening(holding_back) as server:
        planted = plant(tmp_path / "profile", server.base)
        process = start(planted, tmp_path / "out", "-k", "token_request or client_authentication")
        deadline = time.monotonic() + 60
        # Now all that was answered has arrived: no further request is allowed beside those that wait.
        while server.memory.get("waiting", 0) < CONCURRENCY and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        told = planted.secrets | heard(server)

    assert process.returncode in {1, 10}, output[-6000:]
    Hunt(told).search(tmp_path / "out", output)
    record = json.loads(next((tmp_path / "out").rglob("report.json")).read_text(encoding="utf-8"))
    assert record["interrupted"]


def test_doctor(tmp_path: Path) -> None:
    with listening(echo) as server:
        planted = plant(tmp_path / "profile", server.base)
        done = ask(planted.profile, "doctor")
        told = planted.secrets | heard(server)

    assert done.returncode == 1
    assert Hunt(told).leaks(done.stdout + done.stderr) == []
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_wrong_profile(tmp_path: Path, command: str) -> None:
    planted = plant(tmp_path / "profile", "http://127.0.0.1:9")
    profile = yaml.safe_load(planted.profile.read_text(encoding="utf-8"))
    plain = f"plain-{secrets.token_urlsafe(16)}"
    profile["clients"]["first"]["secret"] = {"literal": plain}
    profile["clients"]["second"]["client_secret"] = plain
    profile["users"]["first"]["password"] = plain
    profile["users"]["second"] = {"username": "bob", "password": {"env": "NOT_THERE", "file": "password"}, "pin": plain}
    broken = json.loads((tmp_path / "profile" / "keys.json").read_text(encoding="utf-8"))
    broken["keys"][0]["x"] = "AAAA"
    broken["keys"].append({"kty": "oct", "k": plain})
    (tmp_path / "profile" / "keys.json").write_text(json.dumps(broken), encoding="utf-8")
    (tmp_path / "profile" / "client.key").write_text("-----BEGIN PRIVATE KEY-----\n" + plain, encoding="utf-8")
    planted.profile.write_text(yaml.safe_dump(profile), encoding="utf-8")

    done = ask(planted.profile, command)

    assert done.returncode == 2
    assert "clients.first.secret" in done.stderr
    assert "Traceback" not in done.stderr
    assert Hunt({plain, *planted.secrets}).leaks(done.stdout + done.stderr) == []


def ask(profile: Path, command: str) -> subprocess.CompletedProcess[str]:
    """One command of the command line, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "conformance", command, str(profile)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        cwd=profile.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

"""Rules about secrets, keys and certificates: each must be there, be whole, and come from outside.

What is told says where a secret should be, and never what it is.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from conformance.profile.document import Document
from conformance.profile.keyring import ALGORITHMS, SigningKey, read_key
from conformance.profile.words import NOT_SHOWN, Key, alternatives, did_you_mean, quoted

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_GIVEN = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
_CERTIFIED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,46}[A-Za-z0-9])?")


def judge(document: Document, environ: Mapping[str, str]) -> None:
    """Tell every secret, key and certificate that cannot be had, or is not what the profile says it is."""
    for role in document.mapping("clients"):
        _read_secret(document, ("clients", role, "secret"), environ)
        _judge_keys(document, role, environ)
        _judge_certificate(document, role)
    by_themselves = document.value("login", "driver") not in {"manual", "none"}
    for name in document.mapping("users") if by_themselves else ():
        _read_secret(document, ("users", name, "password"), environ)
        _judge_seed(document, ("users", name, "totp"), environ)


def texts(document: Document, environ: Mapping[str, str]) -> set[str]:
    """Every secret that the document holds, or points at in the environment: no message may have one."""
    places = [
        *(("clients", role, name) for role in document.mapping("clients") for name in ("secret", "keys")),
        *(("users", user, name) for user in document.mapping("users") for name in ("password", "totp")),
    ]
    found = [document.value(*place, *way) for place in places for way in ((), ("literal",))]
    names = [document.value(*place, "env") for place in places]
    held = [environ[name] for name in names if isinstance(name, str) and name in environ]
    return {text for text in [*found, *held] if isinstance(text, str)}


def _read_secret(document: Document, key: Key, environ: Mapping[str, str]) -> str | None:
    """The text of a secret, JWK sets among them. None, and told, where it cannot be had."""
    literal = document.text(*key, "literal")
    if literal is not None and not document.embedded:
        given = _GIVEN.search(literal)
        document.tell(
            (*key, "literal"),
            found=f"a secret in the profile {NOT_SHOWN}",
            expected="env or file: a literal is for the embedded target alone",
            fix=f"Put it in an environment variable, and write {{env: {given[1] if given else 'NAME'}}}.",
        )
        return None
    if literal is not None and not literal.strip():
        _tell_empty(document, (*key, "literal"), "an empty text")
        return None
    return literal or _from_environment(document, (*key, "env"), environ) or _from_file(document, (*key, "file"))


def _tell_empty(document: Document, key: Key, found: str) -> None:
    document.tell(key, found=found, expected="a secret", fix="Put the secret there.")


def _from_environment(document: Document, key: Key, environ: Mapping[str, str]) -> str | None:
    name = document.text(*key)
    if name is None:
        return None
    if environ.get(name):
        return environ[name]
    # A name in other letters may be the secret itself, written in the wrong place.
    known = _VARIABLE.fullmatch(name) is not None
    shown = f"the environment variable {name}" if known else f"an environment variable {NOT_SHOWN}"
    given = _GIVEN.search(name)
    if given:
        fix = f"Write the name alone: {{env: {given[1]}}}."
    elif known:
        fix = f"Set {name} before the run; in CI, as a secret of the job."
    else:
        fix = "Write the name of a variable, as CLIENT_SECRET, and set it before the run."
    document.tell(
        key,
        found=f"{shown}, which is {'set, but empty' if name in environ else 'not set'}",
        expected="the name of a variable that holds the secret",
        fix=fix,
    )
    return None


def _from_file(document: Document, key: Key) -> str | None:
    content = _read_file(document, key)
    if content is not None and not content.strip():
        _tell_empty(document, key, f"an empty file, {_shown_path(document, key)}")
        return None
    return content


def _shown_path(document: Document, key: Key) -> str:
    """A path for a person; a text that does not look like one may be a secret in the wrong place."""
    path = document.text(*key) or ""
    return quoted(path) if re.search(r"[/.\\]", path) and len(path) < 200 else f"a path {NOT_SHOWN}"


def _read_file(document: Document, key: Key) -> str | None:
    path = document.text(*key)
    if path is None:
        return None
    try:
        return (document.folder / path).read_text(encoding="utf-8")
    except OSError as error:
        problem = error.strerror or "it cannot be read"
    except UnicodeDecodeError:
        problem = "it is not UTF-8 text"
    except ValueError:
        problem = "it is no path"
    document.tell(
        key,
        found=f"{_shown_path(document, key)}: {problem}, looked for from {document.folder}",
        expected="a file that can be read, relative to the profile",
        fix="Correct the path, or put the file there.",
    )
    return None


def _judge_seed(document: Document, key: Key, environ: Mapping[str, str]) -> None:
    seed = _read_secret(document, key, environ)
    if seed is None:
        return
    plain = seed.strip().replace(" ", "").upper()
    try:
        base64.b32decode(plain + "=" * (-len(plain) % 8))
    except (binascii.Error, ValueError):
        document.tell(
            key,
            found=f"a seed {NOT_SHOWN} that is no base32",
            expected="the seed of RFC 6238 in base32: letters A to Z and digits 2 to 7",
            fix="Copy the seed that the server shows beside the QR code.",
        )


def _judge_keys(document: Document, role: str, environ: Mapping[str, str]) -> None:
    key: Key = ("clients", role, "keys")
    if document.value(*key, "generate") is not None:
        algorithms = _judge_generated(document, key)
    else:
        source: Key = (*key, "env" if document.has(*key, "env") else "file")
        text = _read_secret(document, key, environ)
        algorithms = [one.alg for one in _read_set(document, source, text)] if text is not None else []
    if not algorithms:
        return
    if document.text("clients", role, "auth") == "private_key_jwt":
        alg = document.text("clients", role, "assertion_alg")
        _judge_algorithm(document, ("clients", role, "assertion_alg"), alg, algorithms)
    if document.mapping("clients", role, "request_objects"):
        place = ("clients", role, "request_objects", "alg")
        alg = document.text(*place) if document.has(*place) else "ES256"
        # A request object may also be signed with the client's secret, or not at all (RFC 9101 section 4).
        if alg is not None and alg != "none" and not alg.startswith("HS"):
            _judge_algorithm(document, place, alg, algorithms)


def _judge_algorithm(document: Document, key: Key, alg: str | None, algorithms: list[str]) -> None:
    if alg is not None and alg not in algorithms:
        document.tell(
            key,
            found=f"{quoted(alg)}, but the client's keys are for {', '.join(algorithms)}",
            expected=alternatives(dict.fromkeys(algorithms)),
            fix=f"Correct it, or add a key whose member alg is {quoted(alg)}.",
        )


def _judge_generated(document: Document, key: Key) -> list[str]:
    if not document.embedded:
        document.tell(
            (*key, "generate"),
            found="keys to be generated, but embedded is not true",
            expected="env or file: no other server would know a generated key",
            fix="Write {env: NAME} or {file: PATH} of the private JWK set that is registered.",
        )
        return []
    usable = []
    for number in range(len(document.sequence(*key, "generate"))):
        alg = document.text(*key, "generate", number)
        if alg in ALGORITHMS:
            usable.append(alg)
        elif alg is not None:
            document.tell(
                (*key, "generate", number),
                found=f"an algorithm {NOT_SHOWN} that no key can be made for",
                expected=alternatives(ALGORITHMS),
                fix=did_you_mean(alg, ALGORITHMS, "Write one of them."),
            )
    if not document.sequence(*key, "generate") and not document.told(*key, "generate"):
        document.tell(
            (*key, "generate"),
            found="an empty list",
            expected="at least one algorithm",
            fix="Write [ES256].",
        )
    return usable


def _read_set(document: Document, key: Key, text: str) -> list[SigningKey]:
    """The private keys of a JWK set. Every entry that is none is told; then none is given back."""
    expected = 'a private JWK set (RFC 7517 section 5): {"keys": [{"kty": …, "d": …}]}'
    fix = "Export the client's private keys as a JWK set."
    try:
        entries = json.loads(text)["keys"]
    except json.JSONDecodeError as error:
        found = f"no JSON: it breaks at line {error.lineno}, column {error.colno}"
        document.tell(key, found=found, expected=expected, fix=fix)
        return []
    except (LookupError, TypeError, RecursionError):
        document.tell(key, found="JSON without the member keys", expected=expected, fix=fix)
        return []
    if not isinstance(entries, list) or not entries:
        document.tell(key, found="a JWK set without keys", expected=expected, fix=fix)
        return []
    keys = []
    for number, entry in enumerate(entries):
        try:
            keys.append(read_key(entry, str(number)))
        except ValueError as error:
            document.tell(key, found=f"entry {number + 1} is {error}", expected=expected, fix=fix)
    return keys if len(keys) == len(entries) else []


def _judge_certificate(document: Document, role: str) -> None:
    key: Key = ("clients", role, "certificate")
    if document.flag(*key, "generate", default=False):
        _judge_generated_certificate(document, role)
        return
    certificate = _read_file(document, (*key, "certificate_file"))
    private = _read_file(document, (*key, "key_file"))
    public_of_certificate = public_of_key = None
    if certificate is not None:
        try:
            public_of_certificate = x509.load_pem_x509_certificates(certificate.encode())[0].public_key()
        except (ValueError, UnsupportedAlgorithm):
            _tell_pem(document, (*key, "certificate_file"), "a certificate")
    if private is not None:
        try:
            public_of_key = serialization.load_pem_private_key(private.encode(), password=None).public_key()
        except TypeError:
            _tell_pem(document, (*key, "key_file"), "a private key", "a private key under a passphrase")
        except (ValueError, UnsupportedAlgorithm):
            _tell_pem(document, (*key, "key_file"), "a private key")
    if public_of_certificate is not None and public_of_key is not None and public_of_certificate != public_of_key:
        document.tell(
            (*key, "key_file"),
            found="the private key of another certificate",
            expected="the private key of certificate_file, whose first certificate is the client's own",
            fix="Give the two files that belong together.",
        )


def _judge_generated_certificate(document: Document, role: str) -> None:
    client_id = document.text("clients", role, "client_id")
    if not document.embedded:
        document.tell(
            ("clients", role, "certificate", "generate"),
            found="a certificate to be generated, but embedded is not true",
            expected="certificate_file and key_file: no other server would know a generated one",
            fix="Write {certificate_file: PATH, key_file: PATH} of the certificate that is registered.",
        )
    elif client_id and not _CERTIFIED.fullmatch(client_id):
        document.tell(
            ("clients", role, "client_id"),
            found=document.show("clients", role, "client_id"),
            expected="a name that a generated certificate can bear: letters, digits and -, at most 48 signs",
            fix="Name the client otherwise: client-1.",
        )


def _tell_pem(document: Document, key: Key, expected: str, problem: str | None = None) -> None:
    problem = problem or f"no {expected[2:]} in PEM, or a broken one"
    document.tell(
        key,
        found=f"{_shown_path(document, key)}, a file with {problem}",
        expected=f"{expected} in PEM, without passphrase",
        fix="Export it as PEM (-----BEGIN …), and correct the path.",
    )

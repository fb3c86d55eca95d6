"""The secrets behind a profile: resolved once, handed to the protocol code and to the embedded server alike.

Nothing here is ever printed: `repr` shows no value, and every secret text is listed by `Keyring.secrets` so
that redaction can hunt for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from conformance.profile.impostors import impostor
from conformance.profile.model import Certificate, Client, Keys, Profile, Secret

_CURVES: dict[str, ec.EllipticCurve] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
}

#: The JWS algorithms (RFC 7518, RFC 8037) that a client's key may be for.
ALGORITHMS = (*_CURVES, "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA")

#: What a JWK without `alg` is taken for, by curve.
_ALG_OF_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}


@dataclass(frozen=True)
class SigningKey:
    """A private key, its JWS algorithm and its key id."""

    kid: str
    alg: str
    private: PrivateKeyTypes = field(repr=False)

    def public_jwk(self) -> dict[str, Any]:
        """The public half as a JWK with kid, alg and use."""
        public: Any = self.private.public_key()
        jwk: dict[str, Any] = jwt.get_algorithm_by_name(self.alg).to_jwk(public, as_dict=True)
        return {key: value for key, value in jwk.items() if key != "key_ops"} | {
            "kid": self.kid,
            "alg": self.alg,
            "use": "sig",
        }

    def private_members(self) -> Iterator[str]:
        """The members of the private JWK that must not be seen (RFC 7518 sections 6.2.2 and 6.3.2, RFC 8037)."""
        private: Any = self.private
        jwk: dict[str, Any] = jwt.get_algorithm_by_name(self.alg).to_jwk(private, as_dict=True)
        yield from (jwk[name] for name in ("d", "p", "q", "dp", "dq", "qi") if name in jwk)

    def sign(self, claims: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> str:
        """A compact JWS over the claims: kid and alg in its header, `headers` on top (None removes one)."""
        header = {"kid": self.kid} | dict(headers or {})
        typ = header.get("typ", "JWT")
        header = {name: value for name, value in header.items() if value is not None}
        if typ is None:
            header["typ"] = ""  # PyJWT adds typ: JWT of its own accord unless it is empty
        return jwt.encode(dict(claims), self.private, algorithm=self.alg, headers=header)  # type: ignore[arg-type]


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate for mutual TLS: PEM texts, and the CA that issued it where the suite made it."""

    certificate: str
    key: str = field(repr=False)
    issuer: str | None = None
    sibling: ClientCertificate | None = None
    """Another certificate of the same authority, for another subject, where the suite made the authority."""

    def variant(self, kind: str) -> ClientCertificate | None:
        """What stands in for it: `sibling`, or `impostor` with the same names and other keys; None without such."""
        if kind == "sibling":
            return self.sibling
        certificate, key, issuer = impostor(self.certificate)
        return ClientCertificate(certificate, key, issuer)


@dataclass(frozen=True)
class Credentials:
    """What one client proves itself with."""

    secret: str | None = field(default=None, repr=False)
    keys: tuple[SigningKey, ...] = field(default=(), repr=False)
    certificate: ClientCertificate | None = field(default=None, repr=False)

    def key(self, alg: str | None = None) -> SigningKey:
        """The first key, or the first for an algorithm. KeyError if the client has none."""
        for key in self.keys:
            if alg is None or key.alg == alg:
                return key
        raise KeyError(alg or "any key")


@dataclass(frozen=True)
class Person:
    """A resolved user."""

    username: str
    password: str = field(repr=False)
    totp: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Keyring:
    """All resolved secrets of a profile, by role and by user."""

    clients: Mapping[str, Credentials] = field(repr=False)
    users: Mapping[str, Person] = field(repr=False)

    def secrets(self) -> Iterator[str]:
        """Every text that must never be seen in a report."""
        for client in self.clients.values():
            if client.secret:
                yield client.secret
            if client.certificate:
                yield client.certificate.key
                yield from (line for line in client.certificate.key.splitlines() if line and "-----" not in line)
            for key in client.keys:
                yield from key.private_members()
        for person in self.users.values():
            yield person.password
            if person.totp:
                yield person.totp


def generate_key(alg: str, kid: str) -> SigningKey:
    """A fresh private key for a JWS algorithm (ES*, RS*, PS*, EdDSA)."""
    if alg in _CURVES:
        return SigningKey(kid, alg, ec.generate_private_key(_CURVES[alg]))
    if alg == "EdDSA":
        return SigningKey(kid, alg, ed25519.Ed25519PrivateKey.generate())
    if alg[:2] in {"RS", "PS"}:
        return SigningKey(kid, alg, rsa.generate_private_key(public_exponent=65537, key_size=2048))
    raise ValueError(f"no key can be generated for {alg}")


def read_key(jwk: object, kid: str) -> SigningKey:
    """A private signing key from a JWK (RFC 7517). `kid` is its key id if it has none of its own.

    Raises ValueError, whose text shows nothing of the key, for anything else.
    """
    if not isinstance(jwk, Mapping):
        raise ValueError("no JWK: a JSON object is expected")  # noqa: TRY004 - every mistake is told alike
    if jwk.get("kty") not in {"EC", "RSA", "OKP"}:
        raise ValueError("no asymmetric key: its kty is none of EC, RSA, OKP")
    if jwk.get("use", "sig") != "sig":
        raise ValueError("a key for encryption: its use is not sig")
    if "d" not in jwk:
        raise ValueError("a public key alone: the private part, its member d, is missing")
    by_curve = _ALG_OF_CURVE.get(str(jwk.get("crv", "")), "RS256")
    alg, own_kid = jwk.get("alg") or by_curve, jwk.get("kid", kid)
    if alg not in ALGORITHMS:
        raise ValueError("a key whose alg is no signature algorithm: " + ", ".join(ALGORITHMS))
    if alg in _ALG_OF_CURVE.values() and alg != by_curve:
        raise ValueError("a key whose alg does not go with its curve")
    if not isinstance(own_kid, str):
        raise ValueError("a key whose kid is no string")  # noqa: TRY004
    try:
        private: Any = jwt.PyJWK(dict(jwk), algorithm=alg).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        # The library's own text may quote the whole key.
        raise ValueError("a broken key: its members do not make one") from None
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < 2048:
        raise ValueError(f"an RSA key of {private.key_size} bits: RFC 7518 section 3.3 asks for 2048 or more")
    return SigningKey(own_kid, alg, private)


def resolve_secret(secret: Secret, folder: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The text of a secret. OSError or KeyError where it cannot be had (the loader has told that already)."""
    if secret.env is not None:
        return environ[secret.env]
    if secret.file is not None:
        return (folder / secret.file).read_text(encoding="utf-8").strip()
    return secret.literal or ""


def _keys(keys: Keys, role: str, folder: Path, environ: Mapping[str, str]) -> tuple[SigningKey, ...]:
    if keys.generate is not None:
        return tuple(generate_key(alg, f"{role}-{number}-{alg}") for number, alg in enumerate(keys.generate))
    file = folder / str(keys.file)
    text = environ[keys.env] if keys.env is not None else file.read_text(encoding="utf-8")
    return tuple(read_key(jwk, f"{role}-{number}") for number, jwk in enumerate(json.loads(text)["keys"]))


def _self_signed(name: str) -> ClientCertificate:
    """A certificate that is its own issuer (RFC 8705, section 2.2), good for a day and no CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(hours=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ClientCertificate(
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(), key=pem.decode()
    )


def _issued(authority: trustme.CA, name: str, sibling: ClientCertificate | None = None) -> ClientCertificate:
    issued = authority.issue_cert(f"{name}.client.example", common_name=name)
    return ClientCertificate(
        certificate=issued.cert_chain_pems[0].bytes().decode(),
        key=issued.private_key_pem.bytes().decode(),
        issuer=authority.cert_pem.bytes().decode(),
        sibling=sibling,
    )


def _certificate(certificate: Certificate, client: Client, folder: Path) -> ClientCertificate:
    if certificate.generate and client.auth == "self_signed_tls_client_auth":
        return _self_signed(client.client_id)
    if certificate.generate:
        authority = trustme.CA()
        other = f"not-{client.client_id}"
        return _issued(authority, client.client_id, _issued(authority, other))
    return ClientCertificate(
        certificate=(folder / str(certificate.certificate_file)).read_text(encoding="utf-8"),
        key=(folder / str(certificate.key_file)).read_text(encoding="utf-8"),
    )


def resolve(profile: Profile, folder: Path, environ: Mapping[str, str] = os.environ) -> Keyring:
    """Resolve every secret of a profile. `folder` is where its relative paths start."""
    clients = {
        role: Credentials(
            secret=resolve_secret(client.secret, folder, environ) if client.secret else None,
            keys=_keys(client.keys, role, folder, environ) if client.keys else (),
            certificate=_certificate(client.certificate, client, folder) if client.certificate else None,
        )
        for role, client in profile.clients.items()
    }
    # Where people log in by hand, or nobody does, the suite need not know their passwords.
    by_themselves = profile.login.driver not in {"manual", "none"}
    users = {
        name: Person(
            username=user.username,
            password=resolve_secret(user.password, folder, environ) if by_themselves else "",
            totp=resolve_secret(user.totp, folder, environ) if user.totp and by_themselves else None,
        )
        for name, user in profile.users.items()
    }
    return Keyring(clients=clients, users=users)


def key_pem(key: SigningKey) -> str:
    """The public half as PEM: what a key-confusion attack signs with."""
    public: Any = key.private.public_key()
    pem: bytes = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()

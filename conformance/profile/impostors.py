"""Certificates that look like a client's and are not: what mutual TLS must not take (RFC 8705 sections 2.1 and 2.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID


def impostor(pem: str) -> tuple[str, str, str]:
    """A certificate with the subject and the issuer's name of another one, and keys that nobody knows.

    `pem` is the other one. Returns certificate, private key, and the certificate of its self-made authority, all in
    PEM; the authority is the certificate itself where the other one is self-signed. It is made once a process.
    """
    return _impostor(x509.load_pem_x509_certificate(pem.encode("ascii")))


@cache
def _impostor(other: x509.Certificate) -> tuple[str, str, str]:
    own_issuer = other.issuer == other.subject
    key = ec.generate_private_key(ec.SECP256R1())
    authority_key = key if own_issuer else ec.generate_private_key(ec.SECP256R1())
    authority = _sign(other.issuer, other.issuer, authority_key, authority_key, is_authority=True)
    leaf = _sign(other.subject, other.issuer, key, authority_key, is_authority=False)
    if own_issuer:
        authority = leaf
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return _text(leaf), private.decode("ascii"), _text(authority)


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    today = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(hours=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not is_authority:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(usage, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

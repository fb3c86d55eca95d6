"""Rules about where the target is: URLs, loopback, who allowed the test, and trust in its certificate."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime
from urllib.parse import SplitResult, urlsplit

from cryptography import x509

from conformance.profile.document import Document
from conformance.profile.schema import NEEDED_ENDPOINTS
from conformance.profile.words import Key, did_you_mean

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


def judge(document: Document, today: date) -> None:
    """Tell what is wrong with the place of the target. `today` is the day on which the test would run."""
    _judge_issuer(document)
    _judge_urls(document)
    _judge_hosts(document)
    _judge_settings(document)
    _judge_authorization(document, today)
    _judge_tls(document)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own (RFC 6761 section 6.3 for localhost)."""
    host = host.rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def http_url(text: str) -> SplitResult | None:
    """The parts of an absolute http(s) URL; None for anything else, and where parsers may differ."""
    if re.search(r"[\s\\\x00-\x1f\x7f]", text):
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    usable = parts.scheme in {"http", "https"} and parts.hostname and port != 0 and parts.username is None
    return parts if usable else None


def parse_day(value: object) -> date | None:
    """A day as a profile may write it, YYYY-MM-DD; None for anything else."""
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return None


def judge_day(document: Document, *key: str | int) -> date | None:
    """The day at a place. A value that is none is told: the model also takes numbers for days."""
    if not document.has(*key):
        return None
    day = parse_day(document.value(*key))
    if day is None and not document.told(*key):
        document.tell(
            key,
            found=document.show(*key),
            expected="a date: YYYY-MM-DD",
            fix="Write a day, without a time: 2027-03-31.",
        )
    return day


def _judge_issuer(document: Document) -> None:
    missing = [name for name in NEEDED_ENDPOINTS if not document.has("endpoints", name)]
    if not document.embedded and not document.has("issuer") and missing:
        document.tell(
            ("issuer",),
            found="nothing, and endpoints lacks " + ", ".join(missing),
            expected="the issuer identifier, or the endpoints " + ", ".join(NEEDED_ENDPOINTS),
            fix="Write issuer: https://…, as the server's metadata has it.",
        )
    text = document.text("issuer")
    parts = http_url(text) if text else None
    if text is not None and (parts is None or "?" in text or "#" in text):
        document.tell(
            ("issuer",),
            found=document.show("issuer"),
            expected="an absolute http(s) URL without query and fragment (RFC 8414 section 2)",
            fix="Copy the member issuer of the server's metadata.",
        )


def _judge_urls(document: Document) -> None:
    for key in (("metadata_url",), *(("endpoints", name) for name in document.mapping("endpoints"))):
        text = document.text(*key)
        if text is not None and (http_url(text) is None or "#" in text):
            document.tell(
                key,
                found=document.show(*key),
                expected="an absolute http(s) URL without fragment and user name",
                fix="Write the whole URL: https://host/path.",
            )


def _judge_hosts(document: Document) -> None:
    for number in range(len(document.sequence("hosts"))):
        text = document.text("hosts", number)
        if text is not None and not _HOST.fullmatch(text):
            parts = http_url(text) or http_url(f"https://{text}")
            document.tell(
                ("hosts", number),
                found=document.show("hosts", number),
                expected="a host name alone, without scheme, port and path",
                fix=f"Write {parts.hostname}." if parts else "Write it as login.example.com.",
            )


def _judge_settings(document: Document) -> None:
    if document.has("settings") and not document.embedded:
        document.tell(
            ("settings",),
            found="settings, but embedded is not true",
            expected="settings for the embedded server alone",
            fix="Take settings away: the suite cannot set up a server that it does not start.",
        )
        return
    given = document.mapping("settings")
    if given:
        # Not at the top: the server takes its clients from this package.
        from conformance.server.settings import Settings, SettingsError

        known = [field.name for field in fields(Settings)]
        for name, value in given.items():
            if document.told("settings", name):
                continue
            try:
                Settings.from_profile({name: value})
            except SettingsError as error:
                text = str(error).removeprefix("settings: ").split(", not ")[0]
                document.tell(
                    ("settings", name),
                    found=document.show("settings", name) if name in known else "a setting that is not known",
                    expected=text if name in known else "a setting of the reference server",
                    fix="Write such a value." if name in known else did_you_mean(name, known, "Take it away."),
                )


def _places(document: Document) -> Iterator[tuple[Key, str]]:
    """Every place that names a host of the target, with the host."""
    endpoints = (("endpoints", name) for name in document.mapping("endpoints"))
    for key in (("issuer",), ("metadata_url",), *endpoints):
        text = document.text(*key)
        parts = http_url(text) if text else None
        if parts is not None:
            yield key, str(parts.hostname)
    for number in range(len(document.sequence("hosts"))):
        text = document.text("hosts", number)
        if text:
            yield ("hosts", number), text


def _judge_authorization(document: Document, today: date) -> None:
    remote = [(key, host) for key, host in _places(document) if not is_loopback(host)]
    until = judge_day(document, "authorization_to_test", "until")
    if remote and document.embedded:
        for key, host in remote:
            document.tell(
                key,
                found=f"the host {host}, but embedded is true",
                expected="nothing: the suite starts the embedded server itself, on loopback",
                fix="Take the key away, or take embedded: true away to test that host.",
            )
    elif remote and not document.has("authorization_to_test"):
        hosts = ", ".join(dict.fromkeys(host for _, host in remote))
        document.tell(
            ("authorization_to_test",),
            found=f"nothing, but the target is not on loopback: {hosts}",
            expected="who allowed this test, and until when: {by: NAME, until: YYYY-MM-DD}",
            fix="Ask the owner of the server, and write it down here; the report prints it.",
        )
    elif until is not None and until < today:
        document.tell(
            ("authorization_to_test", "until"),
            found=f"{until}, which is past: today is {today}",
            expected="a day that is not past",
            fix="Ask the owner of the server again, and write the new day.",
        )


def _judge_tls(document: Document) -> None:
    remote = sorted({host for _, host in _places(document) if not is_loopback(host)})
    if remote and not document.flag("tls", "verify", default=True):
        document.tell(
            ("tls", "verify"),
            found=f"false, but the target is not on loopback: {', '.join(remote)}",
            expected="true",
            fix="Take verify away; for a private CA name its certificate in tls.ca_file.",
        )
    text = document.text("tls", "ca_file")
    if text is None:
        return
    try:
        x509.load_pem_x509_certificates((document.folder / text).read_bytes())
    except OSError as error:
        found = f"{document.show('tls', 'ca_file')}: {error.strerror}, looked for from {document.folder}"
    except ValueError:
        found = f"{document.show('tls', 'ca_file')}, a file without a certificate in PEM, or with a broken one"
    else:
        return
    document.tell(
        ("tls", "ca_file"),
        found=found,
        expected="a file with certificates in PEM, relative to the profile",
        fix="Correct the path, or export the CA's certificate as PEM.",
    )

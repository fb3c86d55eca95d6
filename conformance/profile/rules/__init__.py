"""What a profile must keep beyond its shape: one module a part of it, each with one `judge` function.

Rules work on the document, not on the model, so that all mistakes are told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from conformance.profile.document import Document
from conformance.profile.rules import clients, credentials, login, references, target


def judge_rules(document: Document, environ: Mapping[str, str], today: date) -> None:
    """Hold a document against every rule, and tell what breaks one."""
    target.judge(document, today)
    clients.judge(document)
    credentials.judge(document, environ)
    login.judge(document)
    references.judge(document)

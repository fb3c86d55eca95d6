"""Faults in what is made of a claim or a parameter that stands twice (RFC 7519 section 4, RFC 6749 section 3.1)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.faults import fault
from conformance.server.forms import Form


@dataclass(frozen=True)
class FirstCounts(jose.Jws):
    """A JWS of whose claims the first of one name counts."""

    def claims(self) -> dict[str, Any]:
        """Read the members from the end; what else is wrong is found as usual."""
        try:
            claims = json.loads(self.payload, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
        except RecursionError:
            raise ValueError("the JSON is too deep") from None
        return jose.Jws(self.header, json.dumps(claims).encode(), self.signed, self.signature).claims()


def first_counts(jws: jose.Jws) -> jose.Jws:
    """The same JWS, read otherwise where a claim stands twice; one that can be read as usual is left alone."""
    try:
        jws.claims()
    except ValueError:
        return FirstCounts(jws.header, jws.payload, jws.signed, jws.signature)
    return jws


@fault("rfc7523-3-last-of-two-claims-counts")
class FirstClaimOfAnAssertionCounts(AuthorizationServer):
    """BUG: of a claim that stands twice in a client assertion the first counts (RFC 7519 section 4)."""

    def parse_assertion(self, assertion: str) -> jose.Jws:
        """Read it otherwise."""
        return first_counts(super().parse_assertion(assertion))


@fault("rfc9101-4-last-of-two-claims-counts")
class FirstClaimOfAnObjectCounts(AuthorizationServer):
    """BUG: of a claim that stands twice in a request object the first counts (RFC 7519 section 4)."""

    def parse_object(self, text: str) -> jose.Jws:
        """Read it otherwise."""
        return first_counts(super().parse_object(text))


@fault("rfc6749-3.1-repeated-parameter-refused")
class SecondNonceIsPassedOver(AuthorizationServer):
    """BUG: what OAuth does not know may stand twice in a push, nonce too (RFC 6749 section 3.1)."""

    def repeatable(self) -> set[str]:
        """And nonce."""
        return {*super().repeatable(), "nonce"}

    def form_value(self, form: Form, name: str) -> Any:
        """The first one."""
        return form.get(name) if name == "nonce" else super().form_value(form, name)

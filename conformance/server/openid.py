"""What OpenID Connect adds to an authorization request: claims, id_token_hint (Core, sections 5.5 and 3.1.2.1)."""

from __future__ import annotations

from typing import Any

from conformance.server import jose, keys
from conformance.server.details import Details
from conformance.server.errors import OAuthError
from conformance.server.records import Parameters

#: The authentication context class that a password login has here.
ACR = "urn:example:acr:password"


class OpenidRules(Details):
    """Whom and what an authentication request speaks of."""

    def check_claims(self, parameters: Parameters) -> None:
        """claims is one JSON object, and so are its parts; the parsed object replaces the text."""
        if not self.settings.claims_parameter:
            parameters.pop("claims", None)
        value = parameters.get("claims")
        if value is None:
            return
        try:
            claims = jose.parse_json(value) if isinstance(value, str) else value
        except ValueError:
            raise OAuthError("invalid_request", "claims is no JSON") from None
        if not isinstance(claims, dict) or not isinstance(claims.get("id_token", {}), dict):
            raise OAuthError("invalid_request", "claims is no JSON object")
        parameters["claims"] = claims

    def asked_of_id_token(self, parameters: Parameters) -> dict[str, Any]:
        """The claims that are asked for in the ID token, each with what is said about it."""
        asked = parameters.get("claims", {}).get("id_token", {})
        return {name: said if isinstance(said, dict) else {} for name, said in asked.items()}

    def check_id_token_hint(self, parameters: Parameters) -> None:
        """An id_token_hint is one of our own ID tokens, dead or alive (Core, section 3.1.2.2)."""
        hint = parameters.get("id_token_hint")
        if hint is None:
            return
        try:
            jws = jose.parse_jws(hint)
            own = self.signed_here(jws) and jws.claims().get("iss") == self.issuer
        except ValueError:
            own = False
        if not own:
            raise OAuthError("invalid_request", "id_token_hint is no ID token of this server")

    def signed_here(self, jws: jose.Jws) -> bool:
        """Whether a JWT has this server's signature."""
        alg = self.settings.own_alg
        return jws.alg == alg and jose.verify(jws, keys.signing_key(alg).private.public_key(), alg)

    def check_wanted_person(self, parameters: Parameters, subject: str) -> None:
        """The person is the one that id_token_hint or a claim names (Core, sections 3.1.2.1 and 3.1.2.2)."""
        named = [[subject_of(parameters["id_token_hint"])]] if "id_token_hint" in parameters else []
        named += demanded(self.asked_of_id_token(parameters).get("sub", {}))
        if any(subject not in values for values in named):
            raise OAuthError("login_required", "another person is asked for")

    def check_wanted_acr(self, parameters: Parameters) -> None:
        """An essential acr that no login here has is a failed login (Core, section 5.5.1.1)."""
        said = self.asked_of_id_token(parameters).get("acr", {})
        if said.get("essential") is True and any(ACR not in values for values in demanded(said)):
            raise OAuthError("unmet_authentication_requirements", "no login here has the acr that is asked for")


def subject_of(hint: str) -> object:
    """Whom an ID token is about, its signature not looked at."""
    return jose.parse_jws(hint).claims().get("sub")


def demanded(said: dict[str, Any]) -> list[list[object]]:
    """The values that a claim is asked for with: value is one, values are several to choose from."""
    found = [[said["value"]]] if "value" in said else []
    return [*found, said["values"]] if isinstance(said.get("values"), list) else found

"""Faults in client assertions: parameters, claims, times, use (RFC 7523 sections 2.2 and 3)."""

from __future__ import annotations

from typing import Any

from conformance.server import jose
from conformance.server.app import AuthorizationServer
from conformance.server.client_auth import ASSERTION_TYPE, Presented
from conformance.server.clients import RegisteredClient
from conformance.server.errors import OAuthError, invalid_client
from conformance.server.faults import fault
from conformance.server.forms import Form

Claims = dict[str, Any]


class _AnyType(AuthorizationServer):
    """Takes assertions whatever the type beside them."""

    def takes(self, kind: str | None) -> bool:
        """Whether this type will do."""
        return False

    def read_assertion(self, form: Form) -> Presented:
        """Take the assertion."""
        assertion = form.get("client_assertion")
        if assertion and form.get("client_assertion_type") != ASSERTION_TYPE:
            if not self.takes(form.get("client_assertion_type")):
                raise invalid_client()
            try:
                return Presented("assertion", str(jose.parse_jws(assertion).claims().get("sub")), assertion)
            except ValueError:
                raise invalid_client() from None
        return super().read_assertion(form)


@fault("rfc7523-2.2-missing-assertion-type-refused")
class AssertionsNeedNoType(_AnyType):
    """BUG: client_assertion is taken without client_assertion_type (RFC 7523 section 2.2)."""

    def takes(self, kind: str | None) -> bool:
        """None will do."""
        return kind is None


@fault("rfc7523-2.2-other-assertion-type-refused")
class AssertionTypesAreNotCompared(_AnyType):
    """BUG: any client_assertion_type will do (RFC 7523 section 2.2)."""

    def takes(self, kind: str | None) -> bool:
        """Any will do."""
        return kind is not None


@fault("rfc7523-2.2-other-assertion-type-refused")
class AssertionTypesAreComparedByPrefix(_AnyType):
    """BUG: a client_assertion_type that begins right will do (RFC 7523 section 2.2)."""

    def takes(self, kind: str | None) -> bool:
        """Compare the beginning."""
        return (kind or "").startswith(ASSERTION_TYPE)


@fault("rfc7523-2.2-missing-assertion-refused")
class AnnouncedAssertionIsEnough(AuthorizationServer):
    """BUG: client_assertion_type alone authenticates the client_id beside it (RFC 7523 section 2.2)."""

    def read_assertion(self, form: Form) -> Presented:
        """Believe the announcement."""
        if not form.get("client_assertion") and form.get("client_assertion_type") == ASSERTION_TYPE:
            return Presented("assertion", self.named_client(form), "")
        return super().read_assertion(form)

    def verify_assertion(self, client: RegisteredClient, assertion: str) -> None:
        """Nothing to verify."""
        if assertion:
            super().verify_assertion(client, assertion)


class _Repeats(AuthorizationServer):
    """Lets client_assertion come twice."""

    def repeatable(self) -> set[str]:
        """This too."""
        return {*super().repeatable(), "client_assertion"}


@fault(
    "rfc7523-2.2-two-assertions-refused",
)
class FirstOfTwoAssertionsCounts(_Repeats):
    """BUG: of two client assertions one is taken (RFC 7523 section 2.2)."""


# -- claims


class _Claims(AuthorizationServer):
    """Judges the claims of assertions as if they were better than they are."""

    def better(self, client: RegisteredClient, claims: Claims) -> Claims:
        """Claims in their place."""
        return claims

    def verify_assertion_issuer(self, client: RegisteredClient, claims: Claims) -> None:
        """Judge the better ones."""
        super().verify_assertion_issuer(client, self.better(client, claims))


@fault("rfc7523-3-iss-required")
class AssertionsNeedNoIssuer(_Claims):
    """BUG: an assertion without iss is accepted (RFC 7523 section 3)."""

    def better(self, client: RegisteredClient, claims: Claims) -> Claims:
        """Add it."""
        return {"iss": client.client_id, **claims}


@fault("rfc7523-3-foreign-iss-refused", "rfc7523-3-iss-compared-exactly")
class AssertionsMayHaveAnyIssuer(_Claims):
    """BUG: iss of an assertion has only to be there (RFC 7523 section 3)."""

    def better(self, client: RegisteredClient, claims: Claims) -> Claims:
        """Replace it."""
        return {**claims, "iss": client.client_id} if "iss" in claims else claims


@fault("rfc7523-3-foreign-iss-refused")
class AssertionsMayBeOfAnotherClient(_Claims):
    """BUG: iss of an assertion has only to be some registered client (RFC 7523 section 3)."""

    def better(self, client: RegisteredClient, claims: Claims) -> Claims:
        """Replace it."""
        return {**claims, "iss": client.client_id} if claims.get("iss") in self.clients else claims


@fault("rfc7523-3-iss-compared-exactly")
class IssuersAreComparedWithoutCase(_Claims):
    """BUG: iss of an assertion is compared without regard to case (RFC 7523 section 3)."""

    def better(self, client: RegisteredClient, claims: Claims) -> Claims:
        """Fold the case."""
        return {**claims, "iss": str(claims["iss"]).lower()} if "iss" in claims else claims


class _Subject(_Claims):
    """Finds the client of an assertion by other means than sub."""

    def subject(self, form: Form, claims: Claims) -> str | None:
        """The client_id, or None where sub counts."""
        return None

    def read_assertion(self, form: Form) -> Presented:
        """Look there first."""
        try:
            claims = jose.parse_jws(form.get("client_assertion") or "").claims()
        except ValueError:
            return super().read_assertion(form)
        found = self.subject(form, claims)
        if found is None or form.get("client_assertion_type") != ASSERTION_TYPE:
            return super().read_assertion(form)
        return Presented("assertion", found, form.get("client_assertion") or "")


@fault(
    "rfc7523-3-sub-required",
)
class IssuerIsTakenForSubject(_Subject):
    """BUG: an assertion without sub is accepted, iss in its place (RFC 7523 section 3)."""

    def subject(self, form: Form, claims: Claims) -> str | None:
        """Take iss, if the JWT looks like an assertion."""
        return str(claims.get("iss")) if "sub" not in claims and "client_id" not in claims else None

    def better(self, client: RegisteredClient, claims: Claims) -> Claims:
        """Add sub."""
        return {"sub": claims.get("iss"), **claims}


@fault("rfc7523-3-foreign-sub-refused")
class SubjectIsNotCompared(_Subject):
    """BUG: iss names the client of an assertion, whatever its sub (RFC 7523 section 3)."""

    def subject(self, form: Form, claims: Claims) -> str | None:
        """Take iss."""
        return str(claims["iss"]) if claims.get("iss") in self.clients and claims.get("sub") else None

    def better(self, client: RegisteredClient, claims: Claims) -> Claims:
        """Replace sub."""
        return {**claims, "sub": claims.get("iss")} if "sub" in claims else claims


@fault("rfc7523-3-foreign-sub-refused")
class SubjectsAreComparedWithoutCase(_Subject):
    """BUG: sub of an assertion is compared without regard to case (RFC 7523 section 3)."""

    def subject(self, form: Form, claims: Claims) -> str | None:
        """Fold the case."""
        subject = str(claims.get("sub")).lower()
        return subject if subject in self.clients else None

    def better(self, client: RegisteredClient, claims: Claims) -> Claims:
        """Fold the case."""
        return {**claims, "sub": str(claims["sub"]).lower()} if "sub" in claims else claims


@fault(
    "rfc7523-3-client-id-parameter-mismatch-refused",
    "rfc9126-2.1-client-id-mismatch-refused",
)
class ClientIdBesideAnAssertionIsIgnored(AuthorizationServer):
    """BUG: client_id beside a client assertion is not compared with its sub (RFC 7523 section 3)."""

    def check_client_id_matches(self, client: RegisteredClient, form: Form, *, required: bool) -> None:
        """Look at other clients only."""
        if not form.get("client_assertion") or form.get("client_id") is None:
            super().check_client_id_matches(client, form, required=required)


# -- times


class _Times(AuthorizationServer):
    """Judges the times of assertions as if they were better than they are."""

    def timely(self, claims: Claims) -> Claims:
        """Claims in their place."""
        return claims

    def verify_assertion_times(self, claims: Claims) -> None:
        """Judge the better ones; a JWT without exp is remembered for a minute."""
        better = self.timely(claims)
        super().verify_assertion_times(better)
        claims["exp"] = better["exp"]


@fault("rfc7523-3-exp-required")
class AssertionsNeedNoExpiry(_Times):
    """BUG: an assertion without exp is accepted (RFC 7523 section 3)."""

    def timely(self, claims: Claims) -> Claims:
        """Add it."""
        return {"exp": self.now() + 60, **claims}


@fault("rfc7523-3-expired-assertion-refused")
class AssertionsNeverExpire(_Times):
    """BUG: exp of an assertion is not compared with the time (RFC 7523 section 3)."""

    def timely(self, claims: Claims) -> Claims:
        """Prolong its life."""
        past = (jose.seconds(claims.get("exp")) or self.now()) < self.now()
        return {**claims, "exp": self.now() + 60} if past and "exp" in claims else claims


@fault("rfc7523-3-expired-assertion-refused")
class ZeroIsNoExpiryOfAssertions(_Times):
    """BUG: an exp of 0 counts as absent, and absent as unlimited (RFC 7523 section 3)."""

    def timely(self, claims: Claims) -> Claims:
        """Mistake it for none."""
        return {**claims, "exp": self.now() + 60} if claims.get("exp") == 0 else claims


@fault("rfc7523-3-expired-assertion-refused")
class AssertionsHaveTenMinutesMore(_Times):
    """BUG: the leeway for exp of an assertion is ten minutes (RFC 7523 section 3)."""

    def timely(self, claims: Claims) -> Claims:
        """Add them."""
        expires = claims.get("exp")
        return {**claims, "exp": expires + 600} if isinstance(expires, int) else claims


@fault("rfc7523-3-exp-that-is-no-number-refused")
class ExpiryOfAssertionsIsConverted(_Times):
    """BUG: an exp in digits is converted to a number (RFC 7523 section 3)."""

    def timely(self, claims: Claims) -> Claims:
        """Convert it."""
        text = claims.get("exp")
        return {**claims, "exp": int(text)} if isinstance(text, str) and text.isdigit() else claims


@fault("rfc7523-3-exp-that-is-no-number-refused")
class OddExpiryOfAssertionsIsPassedOver(_Times):
    """BUG: an exp that is no number is passed over (RFC 7523 section 3)."""

    def timely(self, claims: Claims) -> Claims:
        """Put a number in its place."""
        odd = "exp" in claims and not isinstance(claims["exp"], int | float)
        return {**claims, "exp": self.now() + 60} if odd else claims


@fault("rfc7523-3-exp-far-ahead-refused")
class AssertionsMayLiveForYears(_Times):
    """BUG: exp of an assertion may lie as far ahead as one likes (RFC 7523 section 3)."""

    def timely(self, claims: Claims) -> Claims:
        """Bring it near."""
        far = isinstance(claims.get("exp"), int) and claims["exp"] > self.now() + 3600
        return {**claims, "exp": self.now() + 3600} if far else claims


@fault("rfc7523-3-not-yet-valid-assertion-refused")
class AssertionsAreValidEarly(_Times):
    """BUG: nbf of an assertion is not looked at (RFC 7523 section 3)."""

    def timely(self, claims: Claims) -> Claims:
        """Take it out."""
        return {**claims, "nbf": None}


@fault("rfc7523-3-not-yet-valid-assertion-refused", settings={"assertion_lifetime": 360})
class ShortLivedAssertionsAreValidEarly(AssertionsAreValidEarly):
    """BUG: exp of an assertion may lie six minutes ahead, and nbf is not looked at (RFC 7523 section 3)."""


@fault("rfc7523-3-old-assertion-refused")
class AssertionsMayBeOld(_Times):
    """BUG: iat of an assertion may lie as far back as one likes (RFC 7523 section 3)."""

    def timely(self, claims: Claims) -> Claims:
        """Bring it near."""
        issued = claims.get("iat")
        return {**claims, "iat": max(issued, int(self.now()) - 60)} if isinstance(issued, int) else claims


# -- used twice


@fault(
    "rfc7523-3-replayed-assertion-refused",
    "rfc7523-3-assertion-replayed-at-other-endpoint-refused",
    "openid-core-9-assertion-used-once",
)
class AssertionsAreNotRemembered(AuthorizationServer):
    """BUG: an assertion may be used as often as one likes (RFC 7523 section 3)."""

    def remember_jti(self, client: RegisteredClient, claims: Claims) -> None:
        """Demand a jti and forget it."""
        if not claims.get("jti"):
            raise invalid_client()


@fault("rfc7523-3-assertion-replayed-at-other-endpoint-refused")
class EachEndpointRemembersItsOwn(AuthorizationServer):
    """BUG: each endpoint has a memory of jti values of its own (RFC 7523 section 3)."""

    endpoint = ""

    def authenticate_client(self, request: Any, form: Form) -> RegisteredClient:
        """Note the endpoint."""
        self.endpoint = request.path
        return super().authenticate_client(request, form)

    def first_time(self, name: str, until: float) -> bool:
        """Remember by endpoint; a proof, which is looked at before the client is, as ever."""
        return super().first_time(f"{self.endpoint} {name}" if name.startswith("assertion") else name, until)


@fault("rfc7523-3-further-claims-tolerated")
class UnknownClaimsAreRefused(AuthorizationServer):
    """BUG: an assertion with an unknown claim is refused (RFC 7523 section 3)."""

    def verify_assertion_times(self, claims: Claims) -> None:
        """Know these only."""
        if claims.keys() - {"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}:
            raise invalid_client()
        super().verify_assertion_times(claims)


# -- what is no assertion, and what is said of it


@fault("rfc7523-3-malformed-assertion-refused")
class DeepAssertionsCrash(AuthorizationServer):
    """BUG: an assertion whose claims are no object makes the server stumble (RFC 7523 section 3)."""

    def read_assertion(self, form: Form) -> Presented:
        """Take for granted that the payload is an object."""
        parts = (form.get("client_assertion") or "").split(".")
        if len(parts) == 3:
            try:
                payload = jose.parse_json(jose.decode(parts[1]))
            except ValueError:
                return super().read_assertion(form)
            payload.get("sub")  # type: ignore[attr-defined]
        return super().read_assertion(form)


@fault("rfc7523-3-malformed-assertion-refused")
class FourthPartIsPassedOver(AuthorizationServer):
    """BUG: what follows the third part of a client assertion is passed over (RFC 7523 section 3)."""

    def read_credentials(self, request: Any, form: Form) -> Presented:
        """Cut it off."""
        cut = tuple(
            (name, ".".join(value.split(".")[:3]) if name == "client_assertion" else value)
            for name, value in form.pairs
        )
        return super().read_credentials(request, Form(cut))


@fault("rfc7523-3.2-invalid-assertion-error-code")
class ExpiredAssertionIsInvalidGrant(AuthorizationServer):
    """BUG: an expired assertion is told as invalid_grant (RFC 7523 section 3.2)."""

    def verify_assertion_times(self, claims: Claims) -> None:
        """Use the other code."""
        try:
            super().verify_assertion_times(claims)
        except OAuthError:
            raise OAuthError("invalid_grant", "the assertion has expired") from None


@fault("rfc7523-2.2-assertion-accepted")
class AssertionsAreForPushesOnly(AuthorizationServer):
    """BUG: the token endpoint does not take client assertions made with a secret (RFC 7523 section 2.2)."""

    def authenticate_client(self, request: Any, form: Form) -> RegisteredClient:
        """Refuse them there."""
        client = super().authenticate_client(request, form)
        if client.auth == "client_secret_jwt" and request.path.endswith("/token"):
            raise invalid_client()
        return client


@fault("rfc9126-2-registered-method-governs")
class SecretReplacesTheAssertion(AuthorizationServer):
    """BUG: a client registered for assertions may send its secret itself (RFC 9126 section 2)."""

    def check_registered_method(self, client: RegisteredClient, presented: Presented) -> None:
        """Let it pass."""
        if client.auth != "client_secret_jwt" or presented.way not in {"basic", "post"}:
            super().check_registered_method(client, presented)

    def verify_credentials(self, request: Any, client: RegisteredClient, presented: Presented) -> None:
        """Compare the secret."""
        if client.auth == "client_secret_jwt" and presented.way != "assertion":
            self.verify_secret(client, presented.proof)
        else:
            super().verify_credentials(request, client, presented)


@fault("rfc7523-3-replayed-assertion-refused")
class AssertionsAreForgottenSoon(AuthorizationServer):
    """BUG: jti of an assertion is remembered for a few seconds, whatever its exp (RFC 7523 section 3)."""

    def remember_jti(self, client: RegisteredClient, claims: dict[str, Any]) -> None:
        """For five seconds."""
        super().remember_jti(client, {**claims, "exp": self.now() + 5})

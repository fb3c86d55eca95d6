"""The profile of a target: everything that the suite is told about one authorization server.

The model is strict: an unknown key is a mistake. How mistakes are told to a person is in `load`.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ClientAuth = Literal[
    "none",
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
]


class Feature(StrEnum):
    """Optional behaviour of a server, a closed list. The profile answers each: true, false or `detect`."""

    PUBLIC_CLIENTS = "public_clients"
    REQUIRE_PAR = "require_par"
    UNREGISTERED_REDIRECT_URIS = "unregistered_redirect_uris"
    OPENID = "openid"
    PKCE = "pkce"
    REQUIRE_PKCE = "require_pkce"
    ISS = "iss"
    JAR = "jar"
    JAR_BY_VALUE = "jar_by_value"
    JAR_BY_REFERENCE = "jar_by_reference"
    ENCRYPTED_REQUEST_OBJECTS = "encrypted_request_objects"
    REQUIRE_SIGNED_REQUEST_OBJECT = "require_signed_request_object"
    JARM = "jarm"
    DPOP = "dpop"
    RAR = "rar"
    RESOURCE_INDICATORS = "resource_indicators"
    MTLS = "mtls"
    INTROSPECTION = "introspection"
    REFRESH_TOKENS = "refresh_tokens"
    CORS = "cors"
    RAW_HTTP = "raw_http"


class Model(BaseModel):
    """Base of all profile parts: frozen, and an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Secret(Model):
    """Where a secret comes from; exactly one way. A `literal` is for the embedded target alone."""

    env: str | None = Field(default=None, description="Name of the environment variable that holds the secret.")
    file: str | None = Field(default=None, description="Path of a file that holds it, relative to the profile.")
    literal: str | None = Field(
        default=None, repr=False, description="The secret itself: allowed for the embedded target only."
    )

    @model_validator(mode="after")
    def exactly_one(self) -> Secret:
        """Refuse none and refuse two: it must be plain where a secret comes from."""
        if sum(way is not None for way in (self.env, self.file, self.literal)) != 1:
            raise ValueError("give exactly one of env, file, literal")
        return self


class Keys(Model):
    """The private signing keys of a client, as a JWK set; exactly one way."""

    env: str | None = Field(default=None, description="Environment variable that holds a private JWK set (JSON).")
    file: str | None = Field(default=None, description="File that holds a private JWK set, relative to the profile.")
    generate: list[str] | None = Field(
        default=None, description="Algorithms (ES256, PS256, …) to make keys for: the embedded target only."
    )

    @model_validator(mode="after")
    def exactly_one(self) -> Keys:
        """Refuse none and refuse two."""
        if sum(way is not None for way in (self.env, self.file, self.generate)) != 1:
            raise ValueError("give exactly one of env, file, generate")
        return self


class Certificate(Model):
    """The certificate of a mutual-TLS client: files in PEM, or made for the embedded target."""

    certificate_file: str | None = Field(default=None, description="The certificate in PEM, relative to the profile.")
    key_file: str | None = Field(default=None, description="Its private key in PEM, not encrypted.")
    generate: bool = Field(default=False, description="Make both: the embedded target only.")

    @model_validator(mode="after")
    def complete(self) -> Certificate:
        """A certificate needs its key."""
        if self.generate == bool(self.certificate_file and self.key_file):
            raise ValueError("give certificate_file and key_file, or generate: true for the embedded target")
        return self


class RequestObjects(Model):
    """How a client makes request objects (RFC 9101)."""

    alg: str = Field(default="ES256", description="Signature algorithm that the client is registered for.")
    alg_registered: bool = Field(
        default=True,
        description="false: no request_object_signing_alg is registered, and any that the server supports will do.",
    )
    encryption_alg: str | None = Field(default=None, description="JWE alg, where the client encrypts.")
    encryption_enc: str | None = Field(default=None, description="JWE enc, where the client encrypts.")
    required: bool = Field(default=False, description="The client is registered with require_signed_request_object.")
    typ: str | None = Field(default="oauth-authz-req+jwt", description="The typ header; null sends none.")
    lifetime: int = Field(default=300, gt=0, description="Seconds from nbf to exp.")


class Client(Model):
    """One registered client and how it asks."""

    client_id: str = Field(description="The registered client identifier.")
    auth: ClientAuth = Field(description="The registered token_endpoint_auth_method.")
    secret: Secret | None = Field(default=None, description="For the client_secret_* methods.")
    keys: Keys | None = Field(default=None, description="For private_key_jwt and for request objects.")
    certificate: Certificate | None = Field(default=None, description="For the mutual-TLS methods.")
    assertion_alg: str | None = Field(
        default=None, description="Algorithm of client assertions; default HS256 or the first key's."
    )
    assertion_audience: Literal["issuer", "endpoint", "token_endpoint", "pushed_authorization_request_endpoint"] = (
        Field(
            default="issuer",
            description="Audience of ordinary client assertions; endpoint: the one that the assertion is sent to.",
        )
    )
    redirect_uris: Annotated[list[str], Field(min_length=1)] = Field(
        description="The registered redirect URIs; the first one is used."
    )
    scope: str | None = Field(default="openid", description="The scope of ordinary requests; null sends none.")
    further_scope: str | None = Field(
        default=None,
        description="A scope that the client may also have, not in `scope`: to see which one is granted.",
    )
    forbidden_scope: str | None = Field(default=None, description="A scope that this client must not be granted.")
    parameters: dict[str, str | list[str]] = Field(
        default_factory=dict, description="Further parameters of every ordinary pushed request."
    )
    response_mode: str | None = Field(default=None, description="response_mode of ordinary requests; null sends none.")
    pkce: bool = Field(default=True, description="Ordinary requests carry an S256 code_challenge.")
    dpop: bool = Field(
        default=False,
        description="The client is registered for tokens that are bound by DPoP (dpop_bound_access_tokens): proofs are "
        "always sent, and a token request without one is refused.",
    )
    require_par: bool = Field(
        default=False, description="The client is registered with require_pushed_authorization_requests."
    )
    request_objects: RequestObjects | None = Field(default=None, description="The client may use request objects.")
    authorization_details: list[dict[str, object]] | None = Field(
        default=None, description="Valid authorization_details for this client (RFC 9396)."
    )
    resource: list[str] | None = Field(default=None, description="Valid resource indicators (RFC 8707).")


class User(Model):
    """A person who can log in at the target."""

    username: str = Field(description="The name that the person logs in with.")
    password: Secret = Field(description="Where the password comes from.")
    totp: Secret | None = Field(default=None, description="Seed of a time-based one-time password (base32).")


class RestCall(Model):
    """One HTTP call of a login over an API (JSON)."""

    method: str = Field(default="POST", description="HTTP method.")
    path: str = Field(
        description="Path or URL, relative to the issuer's origin. May contain {username} etc. In a step, the "
        "address of a client ends the login: nothing is sent there."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Header fields of this call.")
    body: dict[str, object] | None = Field(default=None, description="JSON body; strings may contain placeholders.")
    form: dict[str, str] | None = Field(default=None, description="Form body, in place of JSON.")
    repeat_query: bool = Field(
        default=False, description="In a step: the form has the parameters of the page's own URL, too."
    )
    take: dict[str, str] = Field(
        default_factory=dict,
        description="New placeholders for what follows: name to a member of the JSON answer (a.b for a member in one).",
    )
    cookies: list[str] = Field(
        default_factory=list, description="Cookies that the browser has from now on: NAME={placeholder}."
    )


class Step(Model):
    """One step of a login that is described in the profile; what is given is done in this order.

    Values may contain {username}, {password}, {totp}, {client_id}, {scope}, {request_uri}, and what `take` names.
    """

    at: str | None = Field(default=None, description="Only on a page whose URL contains this text.")
    if_present: str | None = Field(default=None, description="Only if the page has this element (CSS selector).")
    fill: dict[str, str] = Field(default_factory=dict, description="Field (name or CSS selector) to value.")
    click: str | None = Field(default=None, description="Submit with this button (name, name=value, text or selector).")
    wait_for: str | None = Field(
        default=None, description="Browser only: when the rest is done, wait until this element is seen."
    )
    take: dict[str, str] = Field(
        default_factory=dict,
        description="New placeholders: name to a parameter of the page's URL, to a member of its JSON, to cookie:NAME "
        "or to page:PATTERN, what a regular expression (its first group, if it has one) finds in the page.",
    )
    calls: list[RestCall] = Field(
        default_factory=list,
        description="Calls of an API in place of a form that only a script makes; the answer to the last one is "
        "what comes next. A real browser leaves such a step out and uses the page.",
    )


class Login(Model):
    """How a person gets through login and consent at this target: data, not code."""

    driver: Literal["form", "rest", "manual", "none"] = Field(
        default="form",
        description="form: HTML forms over HTTP, found automatically or by steps; "
        "rest: calls, then authorize (a browser walks the pages nevertheless, by steps or by itself); "
        "manual: a person logs in once in the browser that opens; none: nobody can log in.",
    )
    user: str = Field(default="first", description="Which user logs in where a check does not say.")
    steps: list[Step] = Field(default_factory=list, description="Steps; empty finds ordinary forms by itself.")
    deny: Step | None = Field(
        default=None, description="How a person refuses consent, where it is not found by itself."
    )
    refusable: bool = Field(
        default=True, description="false: the pages of this server have no way to refuse; such checks do not apply."
    )
    calls: list[RestCall] = Field(default_factory=list, description="rest: the calls that log a session in.")
    consent_calls: list[RestCall] = Field(default_factory=list, description="rest: the calls that consent.")
    parameters: dict[str, str] = Field(
        default_factory=dict,
        description="Added to every authorization request (a server's own continue flag).",
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Sent to the authorization endpoint, as a browser would (Sec-Fetch-*).",
    )


class BrowserUse(Model):
    """Which browser walks through the pages; without one, what only a browser shows stays inconclusive."""

    off: bool = Field(
        default=False,
        description="true: leave out what only a browser shows; those checks are told as not applicable.",
    )
    engine: Literal["chromium", "firefox", "webkit"] = Field(
        default="chromium",
        description="Which kind of browser; firefox and webkit are those that Playwright installs.",
    )
    executable: str | None = Field(
        default=None,
        description="Path of the browser; the environment variable PAR_BROWSER goes before it. "
        "Without both: Playwright's own, then Chrome, Edge or Chromium of this machine.",
    )
    channel: str | None = Field(
        default=None, description="An installed browser by Playwright's name for it: chrome, chrome-beta, msedge, …"
    )
    headless: bool = Field(default=True, description="false: its windows are seen, which helps to write login.steps.")


class Endpoints(Model):
    """Endpoints that the profile says itself; what is not given comes from discovery."""

    authorization: str | None = Field(default=None, description="URL of the authorization endpoint.")
    token: str | None = Field(default=None, description="URL of the token endpoint.")
    pushed_authorization_request: str | None = Field(default=None, description="URL of the PAR endpoint.")
    jwks: str | None = Field(default=None, description="URL of the server's JWK set.")
    userinfo: str | None = Field(default=None, description="URL of the UserInfo endpoint.")
    introspection: str | None = Field(default=None, description="URL of the token introspection endpoint.")


class Deviation(Model):
    """A violation that the profile's owner knows. It matches exactly, or it is a failure."""

    requirement: str = Field(description="Id of the requirement, as the catalogue and the report print it.")
    observed: str = Field(description="The stable word for what is seen, as the report prints it.")
    check: str | None = Field(default=None, description="Only this check (its name, with parameters); default all.")
    reason: str = Field(description="Why it is known and borne.")
    ticket: str | None = Field(default=None, description="Where it is followed up.")
    until: date | None = Field(default=None, description="Past this day the entry is a failure.")
    unverified: bool = Field(
        default=False,
        description="Nobody has seen it on the real system yet: where it is not seen, that is no failure.",
    )


class Authorization(Model):
    """Who allowed this test. Needed for every target that is not on loopback; printed in the report."""

    by: str = Field(description="Who allowed it: a name or an office.")
    until: date = Field(description="The last day on which it is allowed (YYYY-MM-DD).")
    reference: str | None = Field(default=None, description="Where that is written down.")


class Limits(Model):
    """How hard the target may be worked."""

    concurrency: int = Field(default=4, ge=1, le=64, description="Checks at the same time.")
    requests_per_second: float = Field(default=0, ge=0, description="0: no pacing.")
    check_seconds: float = Field(default=60, gt=0, description="Time limit of one check, its waits aside.")
    request_seconds: float = Field(default=15, gt=0, description="Time limit of one request.")
    run_seconds: float = Field(
        default=3600, gt=0, description="Time limit of the whole run; what has not ended by then is inconclusive."
    )
    longest_wait: int = Field(
        default=900,
        ge=0,
        description="Seconds that a check may wait for an expiry; beyond it is inconclusive.",
    )
    body_bytes: int | None = Field(
        default=None,
        ge=1,
        description="Declared limit of a pushed request in bytes; null lets the suite measure it.",
    )
    largest_body: int = Field(
        default=4 * 1024 * 1024, ge=1, description="The suite never sends a larger body than this (bytes)."
    )
    examples: int = Field(
        default=60,
        ge=0,
        description="Examples of each fuzzed payload; 0 tries a handful. Requests cost, where you pay.",
    )
    fuzz_requests: int | None = Field(
        default=None,
        ge=1,
        description="Budget of each check that draws its examples, in requests: it draws fewer where they would cost "
        "more. Making a failing example smaller may cost 150 more. null: as many as the examples take.",
    )
    seed: int = Field(default=0, description="Draws the examples: the same seed draws the same ones.")
    samples: int = Field(default=64, ge=50, description="Pushes from which the randomness of request_uri is judged.")
    code_lifetime: int | None = Field(
        default=None,
        ge=1,
        description="Declared lifetime of an authorization code in seconds; null leaves its end unchecked.",
    )
    expires_in: int | None = Field(default=None, ge=1, description="Declared lifetime of a request_uri in seconds.")


class Tls(Model):
    """Trust in the target's certificate."""

    ca_file: str | None = Field(default=None, description="PEM bundle to trust in place of the system's store.")
    verify: bool = Field(default=True, description="false: any certificate will do (loopback only).")


class Profile(Model):
    """Everything that the suite is told about one target."""

    name: str = Field(description="What the report calls the target.")
    embedded: bool = Field(default=False, description="The suite starts its own reference server from this profile.")
    settings: dict[str, object] = Field(
        default_factory=dict, description="Settings of the embedded server (conformance.server.Settings)."
    )
    issuer: str | None = Field(default=None, description="Issuer identifier; discovery starts here.")
    metadata_url: str | None = Field(default=None, description="Where the metadata is, if not at a well-known place.")
    endpoints: Endpoints = Field(
        default_factory=Endpoints, description="Endpoints that discovery does not tell, or tells wrong."
    )
    hosts: list[str] = Field(
        default_factory=list,
        description="Further host names that the suite may talk to (login pages, API hosts): it follows nowhere else.",
    )
    authorization_to_test: Authorization | None = Field(
        default=None, description="Who allowed this test: needed for every target that is not on loopback."
    )
    plans: list[str] = Field(default=["rfc9126"], description="Which plans of plans.yaml are in force.")
    clients: dict[str, Client] = Field(
        description="Clients by role: first (needed), second, public, par_required, signed_only, …"
    )
    users: dict[str, User] = Field(default_factory=dict, description="People who can log in, by role: first, second.")
    login: Login = Field(default_factory=Login, description="How a person gets through login and consent.")
    beside_request_uri: dict[str, str] = Field(
        default_factory=dict,
        description="What this server wants beside client_id and request_uri. RFC 9126 section 4 says that these two "
        "suffice: one check leaves it out, and tells.",
    )
    browser: BrowserUse = Field(
        default_factory=BrowserUse, description="Which browser walks through the pages (login.steps hold there, too)."
    )
    features: dict[Feature, Literal["detect"] | bool] = Field(
        default_factory=dict, description="Optional behaviour: true, false or detect (the default)."
    )
    limits: Limits = Field(default_factory=Limits, description="How hard the target may be worked.")
    tls: Tls = Field(default_factory=Tls, description="Trust in the target's certificate.")
    deviations: list[Deviation] = Field(default_factory=list, description="Violations that are known.")
    unverified: list[str] = Field(
        default_factory=list, description="Keys whose value nobody has confirmed on the real system yet."
    )

    @model_validator(mode="after")
    def has_first(self) -> Profile:
        """Every check starts from the client of the role `first`."""
        if "first" not in self.clients:
            raise ValueError("clients: the role 'first' is missing; every check starts from it")
        return self

"""What a correct server may do one way or another: every field is a choice that the specifications leave open."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self


class SettingsError(ValueError):
    """A setting has an unknown name or a value that it cannot have."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Behaviour of the reference server in which correct servers differ. Times are seconds, sizes are bytes."""

    # Transport and answers
    tls: bool = True
    """Serve https; false serves plain http (and no mutual TLS)."""
    issuer_path: str = ""
    """A path that the issuer has, such as /tenant; endpoints lie below it (RFC 8414, section 3.1)."""
    metadata: Literal["both", "oauth", "openid"] = "both"
    """At which well-known places the metadata is."""
    body_limit: int = 1024 * 1024
    """Largest accepted request body; one byte more is answered with 413."""
    other_methods: Literal[405, 404] = 405
    """Status for a method that an endpoint does not have."""
    chunked: bool = False
    """Answer JSON with chunked transfer coding."""
    close_connection: bool = False
    """Close the connection after every answer."""
    pretty_json: bool = False
    """Indent JSON answers."""
    field_order: Literal["natural", "reversed"] = "natural"
    """Order of the members of JSON answers."""
    cache_control: str = "no-store"
    """Cache-Control of answers with credentials; an empty text sends none."""
    cors: bool = True
    """Pushed request, token and metadata endpoints can be used from scripts of other origins."""
    rate_limit: int = 0
    """Pushed requests of one client within `rate_window` before 429; 0 is no limit."""
    rate_window: float = 1.0

    # The reference
    lifetime: float = 60
    """How long a request_uri can be used."""
    expires_in_offset: int = 0
    """Seconds that the announced expires_in is shorter than the true lifetime."""
    request_uri_form: Literal["urn", "uuid", "vendor", "https"] = "urn"
    """urn:ietf:params:oauth:request_uri:…, urn:uuid:…, urn:example:…, or a URL below the issuer."""
    consume_at: Literal["visit", "login", "consent", "code"] = "code"
    """When a request_uri is used up: opened, logged in, consent answered, code issued."""
    denial_consumes: bool = True
    """A denied request is used up too."""

    # Client authentication
    invalid_client_status: Literal[401, 400] = 401
    """Status of invalid_client where no Authorization header was used (RFC 6749, section 5.2)."""
    assertion_audience: Literal["rfc9126", "issuer", "issuer-string"] = "rfc9126"
    """rfc9126: issuer, token or pushed request endpoint, alone or in an array; issuer: it alone, also as an
    array of one; issuer-string: it alone, as a string."""
    assertion_lifetime: float = 3600
    """How far ahead the exp of a client assertion may lie."""
    clock_skew: float = 30
    """How far ahead iat and nbf of a JWT may lie."""
    auth_methods: tuple[str, ...] = ()
    """Authentication methods that clients may have; empty: every one."""
    signing_algs: tuple[str, ...] = ()
    """Asymmetric algorithms of assertions, request objects and DPoP proofs; empty: every one, and HMAC."""
    public_clients: bool = True
    mtls: bool = True
    """A second port asks for client certificates (RFC 8705)."""
    mtls_bound_tokens: bool = False
    """Access tokens of clients that show a certificate are bound to it."""

    # Authorization requests
    require_par: bool = False
    redirect_uri_required: bool = False
    """Every request names its redirect_uri, even where one alone is registered."""
    pkce_required: bool = False
    """Every client needs a code_challenge; public clients always do."""
    plain_pkce: bool = False
    constant_challenges: Literal["accept", "refuse"] = "accept"
    """What happens to a code_challenge whose code was redeemed before (RFC 9700, section 2.1.1)."""
    unregistered_redirect_uris: bool = False
    """Authenticated clients may push redirect URIs that are not registered (RFC 9126, section 2.4)."""
    scopes_supported: tuple[str, ...] = ()
    """Scopes that every client may have, beside its own."""
    unknown_scopes: Literal["refuse", "ignore"] = "refuse"
    """What happens to a scope that no client can have; ignored ones are not granted."""
    default_response_mode: Literal["query", "fragment", "form_post"] = "query"
    outer_parameters: Literal["ignore", "refuse"] = "ignore"
    """What happens to parameters beside a request object or a request_uri; they are never used."""
    authorize_errors: Literal["page", "redirect"] = "page"
    """How a known but dead request_uri of the client itself is answered."""
    errors_before_login: Literal["redirect", "page"] = "redirect"
    """How a faulty request is answered while nobody is logged in: at the redirect URI (RFC 6749, section 4.1.2.1), or
    on a page (RFC 9700, section 4.11.2)."""
    error_pages_status: Literal[400, 200, 403] = 400
    iss: bool = True
    """Authorization responses carry iss (RFC 9207)."""
    signed_responses_only: bool = False
    """Only the response modes that yield JWTs are served; a request that names none is refused (JARM)."""
    code_lifetime: float = 60
    token_lifetime: float = 300
    access_tokens: Literal["opaque", "jwt"] = "opaque"
    """jwt: access tokens are JWTs (RFC 9068); introspection knows them too."""
    own_alg: Literal["RS256", "PS256", "ES256"] = "RS256"
    """Algorithm of what the server signs: ID tokens, signed responses, access tokens."""
    refresh_lifetime: float = 3600
    interaction_lifetime: float = 600
    """How long a person may take to log in and to answer."""
    session_lifetime: float = 3600

    # Pages
    login_pages: Literal[1, 2] = 1
    """1: user name and password on one page; 2: one after the other."""
    consent: Literal["ask", "remember", "none"] = "ask"

    # Features
    openid: bool = True
    claims_parameter: bool = True
    """The parameter claims (OpenID Connect Core, section 5.5)."""
    auth_time: Literal["always", "asked"] = "always"
    """When the ID token has auth_time; asked: with max_age, or as a claim."""
    refresh_tokens: bool = True
    introspection: bool = True
    jar: bool = True
    """Request objects at the pushed request endpoint (RFC 9126, section 3)."""
    jar_by_value: bool = True
    """Request objects at the authorization endpoint."""
    jar_by_reference: str = ""
    """Prefix of https URLs that clients may give as request_uri; empty: none."""
    jar_by_reference_ca: str = ""
    """PEM file with the CA of those URLs; empty: the system's."""
    jwe: bool = True
    """Request objects may be encrypted."""
    require_signed_request_object: bool = False
    request_object_lifetime: float = 3600
    """How far ahead the exp of a request object may lie."""
    request_object_aud_required: bool = True
    request_object_exp_required: bool = True
    request_object_nbf_required: bool = False
    jarm: bool = True
    dpop: bool = True
    require_dpop: bool = False
    """Every client's tokens are DPoP-bound; a pushed request needs a proof or dpop_jkt."""
    bound_tokens_only: bool = False
    """No access token without a DPoP key or a certificate that it is bound to."""
    dpop_nonce: bool = False
    """Proofs need a nonce of the server (RFC 9449, section 8)."""
    dpop_nonce_lifetime: float = 300
    dpop_lifetime: float = 60
    """Age of a DPoP proof that is still accepted."""
    atproto: bool = False
    """The rules that the OAuth profile of the AT protocol alone has."""
    rar: bool = True
    resource_indicators: bool = True

    def __post_init__(self) -> None:
        """Refuse values that a setting cannot have; a list of a profile becomes a tuple."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):
                value = tuple(value)
                object.__setattr__(self, field.name, value)
            _check(field.name, value, _types(type(self))[field.name])
        if self.body_limit < 1:
            raise SettingsError("settings: body_limit must be at least 1 byte")
        if self.lifetime <= 0:
            raise SettingsError("settings: lifetime must be more than 0 seconds")
        if self.issuer_path and (not self.issuer_path.startswith("/") or self.issuer_path.endswith("/")):
            raise SettingsError("settings: issuer_path starts with / and does not end with it")

    @classmethod
    def from_profile(cls, given: Mapping[str, object]) -> Self:
        """The settings of a profile. SettingsError tells an unknown name or an impossible value."""
        known = _types(cls)
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise SettingsError(f"settings: there is no setting {name!r}{hint}")
        values: dict[str, Any] = dict(given)
        return cls(**values)


_TYPES: dict[Any, dict[str, Any]] = {}


def _types(settings: type[Settings]) -> dict[str, Any]:
    """The settings of a class, its own and those above it, with their types."""
    if settings not in _TYPES:
        _TYPES[settings] = typing.get_type_hints(settings)
    return _TYPES[settings]


def _check(name: str, value: object, expected: Any) -> None:
    origin = typing.get_origin(expected)
    if origin is Literal:
        choices = typing.get_args(expected)
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            known = ", ".join(str(choice) for choice in choices)
            raise SettingsError(f"settings: {name} must be one of {known}, not {value!r}")
    elif origin is tuple:
        if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
            raise SettingsError(f"settings: {name} must be a list of texts, not {value!r}")
    elif expected is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise SettingsError(f"settings: {name} must be a number of seconds, not {value!r}")
    elif type(value) is not expected:
        raise SettingsError(f"settings: {name} must be a {expected.__name__}, not {value!r}")

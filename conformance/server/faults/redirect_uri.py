"""Faults of redirect URIs (RFC 9126 sections 2.1, 2.4 and 7.2)."""

from __future__ import annotations

import re
from posixpath import normpath
from typing import Any
from urllib.parse import urlsplit

from conformance.server.app import AuthorizationServer
from conformance.server.clients import RegisteredClient
from conformance.server.faults import fault
from conformance.server.records import AuthorizationRequest, Parameters

VALIDATED = "rfc9126-2.1-redirect-uri-validated"
EXACT = "rfc9126-2.4-exact-match-for-public-clients"
NEW = "rfc9126-7.2-new-redirect-uri-of-public-client-refused"
EARLY = "rfc9126-2.1-faults-refused-early"
LATER = ("rfc9126-2.1-deferred-checks-made", "rfc9126-4-validated-like-any-other")
TRUSTED = {"unregistered_redirect_uris": True}
TOLD = {"unregistered_redirect_uris": True}


class _Matches(AuthorizationServer):
    """Takes redirect URIs that are not registered exactly so."""

    def alike(self, asked: str, registered: str) -> bool:
        """Whether one passes for the other."""
        return asked == registered

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Any that is alike."""
        asked = parameters.get("redirect_uri")
        if isinstance(asked, str) and any(self.alike(asked, registered) for registered in client.redirect_uris):
            return asked
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault(VALIDATED, EXACT, "rfc6749-3.1.2-redirect-uri-fragment-refused")
class RedirectUriNeedsTheSameBeginning(_Matches):
    """BUG: a redirect_uri only has to begin like a registered one (RFC 9126 section 2.1 step 3)."""

    def alike(self, asked: str, registered: str) -> bool:
        """A longer one will do."""
        return asked.startswith(registered)


@fault(
    VALIDATED,
    EXACT,
    "rfc6749-3.1.2-redirect-uri-fragment-refused",
    "rfc6749-3.1.2.3-simple-string-comparison",
    "rfc9700-2.1-redirect-uri-exact",
    "rfc9700-2.6-http-redirect-uri-refused",
)
class RedirectUriNeedsTheSameHost(_Matches):
    """BUG: only the host of a redirect_uri is compared (RFC 9126 section 2.1 step 3)."""

    def alike(self, asked: str, registered: str) -> bool:
        """The host."""
        return urlsplit(asked).hostname == urlsplit(registered).hostname


@fault(VALIDATED)
class RedirectUriMayBeOnASubdomain(_Matches):
    """BUG: a redirect_uri may be on a host below the registered one (RFC 9126 section 2.1 step 3)."""

    def alike(self, asked: str, registered: str) -> bool:
        """The end of the host, and the path."""
        one, other = urlsplit(asked), urlsplit(registered)
        below = (one.hostname or "").endswith(f".{other.hostname}")
        return below and (one.path, one.query) == (other.path, other.query) and not one.username


@fault(VALIDATED)
class RedirectUriMayBeOnSiblingHosts(_Matches):
    """BUG: a redirect_uri may be on another host of the registered one's domain (RFC 9126 section 2.1 step 3)."""

    def alike(self, asked: str, registered: str) -> bool:
        """The domain, and the path."""
        one, other = urlsplit(asked), urlsplit(registered)
        domain = (other.hostname or "").partition(".")[2]
        beside = one.hostname == f"evil.{domain}"  # narrow, so that no client's address is met
        return beside and (one.path, one.query) == (other.path, other.query)


@fault(VALIDATED)
class RedirectUriMayBeOnLoopback(_Matches):
    """BUG: what the developers used is still there: this machine is always allowed (RFC 9126 section 2.1 step 3)."""

    def alike(self, asked: str, registered: str) -> bool:
        """Any port and path."""
        return urlsplit(asked).hostname == "127.0.0.1"


@fault(VALIDATED)
class RedirectUriIsNormalized(_Matches):
    """BUG: the path of a redirect_uri is normalized before it is compared (RFC 9126 section 2.1 step 3)."""

    def alike(self, asked: str, registered: str) -> bool:
        """Without dots."""
        one = urlsplit(asked)
        return one._replace(path=normpath(one.path or "/")).geturl() == registered and ".." in one.path


@fault(VALIDATED, "rfc9700-2.6-http-redirect-uri-refused")
class SchemeOfTheRedirectUriIsIgnored(_Matches):
    """BUG: the scheme of a redirect_uri is not compared (RFC 9126 section 2.1 step 3)."""

    def alike(self, asked: str, registered: str) -> bool:
        """All but the scheme, for web addresses."""
        return asked.partition(":")[2] == registered.partition(":")[2] and asked.startswith("http:")


@fault(EXACT, "rfc6749-3.1.2.3-simple-string-comparison", "rfc9700-2.1-redirect-uri-exact")
class CaseOfTheRedirectUriIsIgnored(_Matches):
    """BUG: redirect URIs are compared without regard to case (RFC 9126 section 2.4)."""

    def alike(self, asked: str, registered: str) -> bool:
        """In lower case."""
        return asked.lower() == registered.lower()


@fault("rfc9126-2.1-foreign-redirect-uri-refused")
class RedirectUrisOfAllClientsAreOneList(_Matches):
    """BUG: a redirect_uri is looked for among those of all clients (RFC 9126 section 2.1 step 3)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """One of all."""
        asked = parameters.get("redirect_uri")
        if any(asked in other.redirect_uris for other in self.clients.values()):
            return str(asked)
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault(
    VALIDATED,
    "rfc9126-2.1-foreign-redirect-uri-refused",
    EARLY,
    *LATER,
    "openid-core-6.3.3-object-validated-like-any-request",
    "rfc6749-3.1.2-redirect-uri-fragment-refused",
    "rfc6749-3.1.2.3-simple-string-comparison",
    "rfc9101-6.3-redirect-uri-in-object-validated",
    "rfc9700-2.1-redirect-uri-exact",
    "rfc9700-2.6-http-redirect-uri-refused",
)
class PushedRedirectUrisAreTrusted(AuthorizationServer):
    """BUG: what an authenticated client pushes is right: any redirect_uri will do (RFC 9126 section 2.1 step 3)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Of clients with credentials."""
        asked = parameters.get("redirect_uri")
        if authenticated and client.confidential and isinstance(asked, str):
            return asked
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault(NEW, EXACT, VALIDATED)
class RedirectUrisOfPublicClientsAreTrusted(AuthorizationServer):
    """BUG: public clients, too, may bring redirect URIs with a push (RFC 9126 section 7.2)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Of clients without credentials."""
        asked = parameters.get("redirect_uri")
        if authenticated and not client.confidential and isinstance(asked, str):
            return asked
        return super().check_redirect_uri(client, parameters, authenticated=authenticated)


@fault(EARLY)
class RedirectUriIsJudgedLater(AuthorizationServer):
    """BUG: a redirect_uri is compared at the authorization endpoint only (RFC 9126 section 2.1)."""

    def check_authorization_request(
        self, client: RegisteredClient, parameters: Parameters, *rest: Any, authenticated: bool = False
    ) -> AuthorizationRequest:
        """At the push with a registered one in its place."""
        if authenticated and not rest and parameters.get("redirect_uri"):
            right = {**parameters, "redirect_uri": client.redirect_uris[0]}
            super().check_authorization_request(client, right, authenticated=True)
            return AuthorizationRequest(client, parameters, str(parameters["redirect_uri"]))
        return super().check_authorization_request(client, parameters, *rest, authenticated=authenticated)


@fault("rfc9126-2.4-unregistered-redirect-uri-accepted", features=TOLD)
class NewRedirectUrisAreRefused(AuthorizationServer):
    """BUG: the server is said to take new redirect URIs of authenticated clients, and refuses them (section 2.4)."""

    def may_be_unregistered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """None."""
        return False


@fault(
    "rfc9126-2.4-unregistered-redirect-uri-effective",
    "rfc9700-4.1.3-loopback-port-varies",
    settings=TRUSTED,
    features=TOLD,
)
class NewRedirectUriIsForgotten(AuthorizationServer):
    """BUG: a new redirect URI is accepted, and the code goes to a registered one (RFC 9126 section 2.4)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """The first registered one."""
        asked = super().check_redirect_uri(client, parameters, authenticated=authenticated)
        return asked if asked in client.redirect_uris else client.redirect_uris[0]


@fault("rfc9126-2.1-redirect-uri-per-request", settings=TRUSTED, features=TOLD)
class NewRedirectUriIsRegisteredForGood(AuthorizationServer):
    """BUG: a redirect URI that came with a push is good for plain requests from then on (section 2.1)."""

    def check_redirect_uri(self, client: RegisteredClient, parameters: Parameters, *, authenticated: bool) -> str:
        """Remember it."""
        known: set[tuple[str, object]] = self.__dict__.setdefault("known_redirect_uris", set())
        asked = parameters.get("redirect_uri")
        if (client.client_id, asked) in known:
            return str(asked)
        found = super().check_redirect_uri(client, parameters, authenticated=authenticated)
        known.add((client.client_id, found))
        return found


@fault(NEW, EXACT, "rfc6749-3.1.2-redirect-uri-fragment-refused", settings=TRUSTED, features=TOLD)
class PolicyForgetsPublicClients(AuthorizationServer):
    """BUG: the policy of new redirect URIs holds for public clients as well (RFC 9126 section 7.2)."""

    def may_be_unregistered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Everybody."""
        return redirect_uri.startswith("https://")


@fault(VALIDATED)
class LoopbackMayHaveAnyPath(AuthorizationServer):
    """BUG: of a native application's loopback address the path may vary with the port (RFC 8252 section 7.3)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """The host will do, for clients that have registered one."""
        own = any(urlsplit(registered).hostname == "127.0.0.1" for registered in client.redirect_uris)
        return super().is_registered(client, redirect_uri) or (own and urlsplit(redirect_uri).hostname == "127.0.0.1")


@fault("rfc9126-2.1-redirect-uri-validated")
class RedirectUrisArePatterns(AuthorizationServer):
    """BUG: a registered redirect URI is read as a pattern, in which a dot is any sign (RFC 9700 section 2.1)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Whether one fits."""
        fits = any(re.fullmatch(pattern, redirect_uri) for pattern in client.redirect_uris)
        return fits or super().is_registered(client, redirect_uri)


@fault("rfc9126-2.1-redirect-uri-validated")
class LastSignOfRedirectUrisIsNotCompared(AuthorizationServer):
    """BUG: the comparison of redirect URIs ends a sign too early (RFC 9700 section 2.1)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """Up to the last sign but one."""
        alike = [uri[:-1] for uri in client.redirect_uris if len(uri) == len(redirect_uri)]
        return redirect_uri[:-1] in alike or super().is_registered(client, redirect_uri)


@fault("rfc9126-2.1-redirect-uri-validated")
class RedirectUriMayGoUp(AuthorizationServer):
    """BUG: what goes up from a registered redirect URI is taken for a part of it (RFC 9700 section 2.1)."""

    def is_registered(self, client: RegisteredClient, redirect_uri: str) -> bool:
        """With any number of steps."""
        return super().is_registered(client, redirect_uri.rstrip("/."))

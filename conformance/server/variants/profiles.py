"""The same right server seen with other clients: what a profile has, and lacks, decides which checks can be made."""

from __future__ import annotations

from conformance.server.variants import clients, first_is, limits, one_user, only, variant

#: RFC 9700 section 2.2.1 wants tokens that are bound to a key, which few of these clients alone can show.
ORDINARY = ("rfc9126",)

for _role, _about in {
    "second": "sends its secret in the body",
    "secret_jwt": "signs assertions with its secret and has no scope of its own",
    "signed": "signs assertions with its key",
    "signed_only": "must sign its requests",
    "public": "has no credentials",
    "par_required": "must push its requests",
    "mtls": "shows a certificate",
    "mtls_self_signed": "shows a certificate of its own",
    "dpop": "binds its tokens to a key",
    "rar": "asks for details and resources",
}.items():
    variant(f"first-client-is-{_role.replace('_', '-')}", f"the profile's first client {_about}", first_is(_role))
    variant(
        f"{_role.replace('_', '-')}-alone",
        f"the profile has one client only, which {_about}",
        first_is(_role),
        only("first"),
        one_user,
        plans=ORDINARY,
    )

variant("first-client-alone", "the profile has one client and one user", only("first"), one_user, plans=ORDINARY)
variant(
    "two-clients",
    "the profile has two clients, which sends most people will have",
    only("first", "second"),
    one_user,
    plans=ORDINARY,
)
variant("one-redirect-uri-each", "no client has a second redirect URI",
        clients(redirect_uris=lambda client: client.redirect_uris[:1]))  # fmt: skip
variant("private-schemes", "native clients: redirect URIs of private schemes (RFC 8252 section 7.1)",
        clients(redirect_uris=lambda client: [f"com.example.{client.client_id}:/callback"]))  # fmt: skip
variant("loopback-redirect-uris", "native clients: redirect URIs on loopback (RFC 8252 section 7.3)",
        clients(redirect_uris=lambda client: [f"http://127.0.0.1:49152/{client.client_id}/callback"]),
        plans=ORDINARY)  # fmt: skip
variant("queries-in-redirect-uris", "redirect URIs with a query of their own (RFC 6749 section 3.1.2)",
        clients(redirect_uris=lambda client: [f"{uri}?tenant=1&x=a%20b" for uri in client.redirect_uris]))  # fmt: skip
variant("one-check-at-a-time", "the target can bear one request at a time", limits(concurrency=1))
variant("size-not-declared", "the profile declares no size limit: it is measured", limits(body_bytes=None))

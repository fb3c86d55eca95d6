"""What the JWK set of a server holds (RFC 8414 section 2, OpenID Connect Discovery section 3)."""

from __future__ import annotations

from conformance import expect
from conformance.check import verifies
from conformance.checks import server_keys
from conformance.http.wire import Wire
from conformance.target import Target

#: The members of a JWK that are nobody's but its owner's (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
SECRET = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@verifies("rfc8414-2-no-secret-keys")
async def test_published_keys_are_public(target: Target, wire: Wire) -> None:
    """No key of the published JWK set has a private member, and none is symmetric."""
    keys = await server_keys.published(target, wire)
    told = sorted({name for key in keys for name in SECRET & key.keys()})
    expect.that(
        not told,
        "secret-published",
        f"the published keys have the members {', '.join(told)}",
        expected="public keys",
        received=", ".join(told),
    )

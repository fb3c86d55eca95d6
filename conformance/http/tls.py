"""Which version of TLS a host speaks: a handshake, and nothing after it."""

from __future__ import annotations

import asyncio
import ssl

from conformance.http.message import Died

#: How long a handshake may take (seconds).
_PATIENCE = 10


async def speaks(host: str, port: int, version: ssl.TLSVersion) -> bool:
    """Whether a host completes a handshake in this version; its certificate is not looked at. Died if unreachable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    if version < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # or the library would offer nothing that goes with it
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
    except (TimeoutError, OSError) as failure:
        raise Died(f"{host}:{port} cannot be reached: {failure}") from failure
    try:
        async with asyncio.timeout(_PATIENCE):
            await writer.start_tls(context, server_hostname=host)
    except (TimeoutError, OSError):  # ssl.SSLError is one
        return False
    finally:
        writer.close()
    return True

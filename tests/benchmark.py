"""`make benchmark`: what has a limit in time, measured on this machine."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from aiohttp import web

from conformance.check import cases_of, functions
from conformance.profile.load import load
from conformance.run import Session
from tests.hostile.run import write_profile

#: The round trip of the server (seconds), the examples, how many at once, and how long they may take (seconds).
ROUND_TRIP, EXAMPLES, AT_ONCE, LIMIT = 0.05, 300, 8, 3.0


async def _answer(request: web.Request) -> web.Response:
    await request.read()
    await asyncio.sleep(ROUND_TRIP)
    base = f"http://{request.host}"
    if "well-known" not in request.path:
        return web.json_response({"request_uri": "urn:x:1234567890123456789012", "expires_in": 60}, status=201)
    endpoints = {"authorization": "authorize", "token": "token", "pushed_authorization_request": "par"}
    members = {f"{name}_endpoint": f"{base}/{path}" for name, path in endpoints.items()}
    return web.json_response({"issuer": base, "response_types_supported": ["code"], **members})


def _serve(told: Connection) -> None:
    async def forever() -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", _answer)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        told.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(forever())


def fuzzing() -> float:
    """Seconds that one payload check takes for its examples."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    server.start()
    try:
        limits = {"examples": EXAMPLES, "concurrency": AT_ONCE, "request_seconds": 15, "check_seconds": 60}
        with tempfile.TemporaryDirectory() as folder:
            session = Session.of(load(write_profile(Path(folder), f"http://127.0.0.1:{here.recv()}", limits=limits)))
            cases = [
                case
                for function in functions()
                for case in cases_of(function, session.loaded.profile)
                if case.name.endswith("test_any_parameters_are_answered")
            ]
            session.start(cases)
            result = session.engine.states[cases[0].name].future.result()
            session.close()
    finally:
        server.terminate()
    if result.outcome != "pass":
        raise RuntimeError(f"the check did not pass: {result.message}")
    return float(result.seconds)


if __name__ == "__main__":
    seconds = fuzzing()
    sys.stdout.write(
        f"{EXAMPLES} examples at {ROUND_TRIP * 1000:.0f} ms, {AT_ONCE} at once: {seconds:.2f} s (limit {LIMIT:g} s)\n"
    )
    sys.exit(seconds > LIMIT)

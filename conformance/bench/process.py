"""Processes of the bench: started in a session of their own, known again by start time, stopped by number."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from conformance.bench.recipe import BenchError, Launch

_PROC = Path("/proc")


def identity(pid: int) -> str | None:
    """What tells process `pid` from a later one of the same number: its start time. None if it does not run."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child of ours that has ended would stay visible until it is waited for
    if _PROC.is_dir():
        try:
            status = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The command in parentheses may hold anything: what follows its last one is plain.
        state, *rest = status.rpartition(")")[2].split()
        threads = int(rest[16])
        # What has ended stays visible until its parent asks for it; until its last thread ends it holds its port.
        return None if state == "Z" and threads <= 1 else f"{_boot()}/{rest[18]}"
    command = [tool("ps"), "-o", "lstart=", "-p", str(pid)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - nothing of it is foreign
    return told.stdout.strip() or None


def _boot() -> str:
    """Start times count from the boot, so the boot belongs to them."""
    return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def tool(name: str) -> str:
    """The path of a program. BenchError if it is not installed."""
    path = shutil.which(name)
    if path is None:
        raise BenchError(f"{name} is not installed here: install it with the system's package manager and try again")
    return path


def is_free(port: int) -> bool:
    """Whether a server can listen on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(wanted: int) -> int:
    """`wanted` if it is free, any free loopback port otherwise; 0 wants none in particular."""
    if wanted and is_free(wanted):
        return wanted
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def base_environment() -> dict[str, str]:
    """What every server gets of our environment: it is others' code, and our secrets are none of its business."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}


def start(launch: Launch, log: Path) -> int:
    """Start a server that outlives us, its output in `log` (owner only). Returns its process number.

    BenchError if the program is not there.
    """
    environment: Mapping[str, str] = base_environment() | dict(launch.environment)
    log.unlink(missing_ok=True)
    if not os.access(launch.command[0], os.X_OK):
        raise BenchError(f"{launch.command[0]} is not there: remove {log.parent} and try again")
    return os.posix_spawn(
        launch.command[0],
        launch.command,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def stop(pid: int, known: str, *, seconds: float = 5) -> bool:
    """End a server that we started, with its children. False if it does not run any more.

    Only a process whose identity is `known` is touched. BenchError if it does not end.
    """
    if identity(pid) != known:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if identity(pid) != known:
                return True
            time.sleep(0.02)
    raise BenchError(f"process {pid} does not end: look at it and end it by hand")

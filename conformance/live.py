"""The live line: what runs, what waits and until when. Shown only where a person can see it."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.engine import Engine


class LiveLine:
    """One line below pytest's own, rewritten in place; nothing at all where the output is no terminal."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shown = False
        self._begun = time.monotonic()

    def _estimate(self, done: int, total: int) -> str:
        """How long the examples will take at the pace so far."""
        if not done:
            return ""
        return f" (about {(time.monotonic() - self._begun) / done * (total - done):.0f} s left)"

    def show(self, column: int = 0) -> None:
        """Write the line as things stand, below the one on which pytest stands in this column."""
        if not sys.stderr.isatty():
            return
        live = self._engine.live()
        text = f"{live.finished}/{live.everything} checks done"
        done, total = live.examples
        if total:
            text += f", {done}/{total} examples{self._estimate(done, total)}"
        if live.waiting:
            title, moment = max(live.waiting, key=lambda item: item[1])
            until = time.strftime("%H:%M:%S", time.localtime(moment))
            text += f", {len(live.waiting)} waiting (last until {until}: {title[:40]})"
        self._below(text[: shutil.get_terminal_size().columns - 1], column)
        self._shown = True

    def clear(self, column: int = 0) -> None:
        """Take the line away before something else is printed."""
        if self._shown:
            self._below("", column)
            self._shown = False

    def _below(self, text: str, column: int) -> None:
        """Write on the next line, and go back: an address on the screen would be wrong once it scrolls."""
        sys.stdout.flush()
        back = f"\x1b[{column}C" if column else ""
        sys.stderr.write(f"\n\x1b[2K{text}\x1b[A\r{back}")
        sys.stderr.flush()

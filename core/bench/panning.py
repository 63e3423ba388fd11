"""Readers that pan: each fetches the tiles of one window after another over six connections, as a browser does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.domain.errors import InvariantBroken

_CONNECTIONS = 6
_OK, _TRY_AGAIN = b"HTTP/1.1 200", b"HTTP/1.1 503"
_TRIES = 5
Addresses = Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """Where tiles are fetched: `http://host:port`, and the header that lets one in, if any."""

    origin: str
    authorization: str | None = None


def fill_times_ms(
    server: Server, windows_of_clients: Sequence[Sequence[Addresses]], pause_s: float = 0.0
) -> list[list[float]]:
    """Let every client go through its windows, all at once; give how long each window took to fill.

    Args: pause_s: how long a client looks at a window before the next.
    """

    async def all_clients() -> list[list[float]]:
        return list(await asyncio.gather(*(_pan(server, windows, pause_s) for windows in windows_of_clients)))

    return asyncio.run(all_clients())


def fetch(server: Server, address: str) -> bytes:
    """Give what one address answers, asking again while it says to. Raises: InvariantBroken for any other refusal."""

    async def asked() -> bytes:
        connection = await _Connection.open(server)
        try:
            return await connection.get(address, n_tries=_TRIES)
        finally:
            await connection.close()

    return asyncio.run(asked())


async def _pan(server: Server, windows: Sequence[Addresses], pause_s: float) -> list[float]:
    connections = [await _Connection.open(server) for _ in range(_CONNECTIONS)]
    times_ms = []
    try:
        for window in windows:
            waiting, begun = deque(window), time.perf_counter()
            await asyncio.gather(*(connection.drain(waiting) for connection in connections))
            times_ms.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(pause_s)
    finally:
        for connection in connections:
            await connection.close()
    return times_ms


class _Connection:
    """One keep-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: Server) -> None:
        self._reader, self._writer = reader, writer
        allowed = f"Authorization: {server.authorization}\r\n" if server.authorization else ""
        self._headers = f"Host: {urlsplit(server.origin).netloc}\r\n{allowed}\r\n"

    @classmethod
    async def open(cls, server: Server) -> _Connection:
        """Connect."""
        place = urlsplit(server.origin)
        return cls(*await asyncio.open_connection(place.hostname, place.port), server)

    async def drain(self, waiting: deque[str]) -> None:
        """Fetch addresses until none waits."""
        while waiting:
            await self.get(waiting.popleft())

    async def get(self, address: str, n_tries: int = 1) -> bytes:
        """Give the body of a good answer; 503 is asked again."""
        self._writer.write(f"GET {address} HTTP/1.1\r\n{self._headers}".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
        body = await self._reader.readexactly(int(length.split(b":")[1]))
        if head.startswith(_TRY_AGAIN) and n_tries > 1:
            return await self.get(address, n_tries - 1)
        if not head.startswith(_OK):
            raise InvariantBroken(f"{address} was answered with {head.splitlines()[0].decode()}.")
        return body

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

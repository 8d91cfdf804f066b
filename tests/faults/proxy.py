"""A proxy that understands PostgreSQL's protocol, and cuts a connection at a chosen point of a commit.

Messages: https://www.postgresql.org/docs/current/protocol-message-formats.html. A client's statement is a
`Q`; the server ends its answer with a `Z` that tells whether a transaction is open.
"""

import asyncio
import threading
from collections.abc import Callable
from enum import Enum


class Cut(Enum):
    """Where: the statement that commits never arrives; arrives unheard; its answer never arrives."""

    BEFORE = "before"
    WITHIN = "within"
    AFTER = "after"


class _LostError(Exception):
    """This connection is to be cut."""


class Proxy:
    """Listens on a port of this machine and speaks with the server behind a socket file."""

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        self._armed: Cut | None = None
        self._cut = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.port = 0

    def __enter__(self) -> "Proxy":
        self._thread.start()
        listening = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        async def cancel() -> None:
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(cancel(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut_next(self, where: Cut, *, within: float) -> bool:
        """Cut the next connection that commits; return whether there was one in time."""
        self._cut.clear()
        self._armed = where
        return self._cut.wait(within)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_unix_connection(self._socket_path)
        link = _Link((reader, writer), behind, self._point_of_next)
        ways = [asyncio.ensure_future(link.forward()), asyncio.ensure_future(link.back())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, behind[1]):
                end.transport.abort()

    def _point_of_next(self) -> Cut | None:
        """Return where to cut a commit, if one is to be cut."""
        if self._armed is None:
            return None
        where, self._armed = self._armed, None
        self._cut.set()
        return where


class _Link:
    """One connection: from the client to the server and back."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        point_of_next: Callable[[], Cut | None],
    ) -> None:
        self._client, self._server, self._point_of_next = client, server, point_of_next
        self._in_transaction = False
        self._records = False
        self._mute = False

    async def forward(self) -> None:
        """Pass what the client says; the first message has no type."""
        reader, writer = self._client[0], self._server[1]
        size = await reader.readexactly(4)
        await _send(writer, size + await reader.readexactly(int.from_bytes(size) - 4))
        while True:
            head, body = await _message(reader)
            where = (
                self._point_of_next() if head[:1] == b"Q" and self._commits_records(body) else None
            )
            if where is Cut.BEFORE:
                raise _LostError
            self._mute = where is Cut.AFTER
            await _send(writer, head + body)
            if where is Cut.WITHIN:
                raise _LostError

    def _commits_records(self, statement: bytes) -> bool:
        """Whether a statement commits what it, or one before it in its transaction, records."""
        records = b"record_predictions" in statement
        if not self._in_transaction and b"BEGIN" not in statement:
            return records
        commits = statement.startswith(b"COMMIT") and self._records
        self._records = (records or self._records) and not commits
        return commits

    async def back(self) -> None:
        """Pass what the server says, or swallow it and cut when it has said everything."""
        reader, writer = self._server[0], self._client[1]
        while True:
            head, body = await _message(reader)
            if not self._mute:
                await _send(writer, head + body)
            if head[:1] == b"Z":
                self._in_transaction = body != b"I"
                if self._mute:
                    raise _LostError


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head, await reader.readexactly(int.from_bytes(head[1:]) - 4)


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()

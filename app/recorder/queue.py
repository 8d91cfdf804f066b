"""The queue before the recorder: bounded, and fair between callers."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator

from app.recorder.tickets import OverloadedError, Ticket

#: Requests of more rows go alone: they would make everybody else wait.
LARGE = 256


class Queue:
    """Tickets that wait, taken from each caller in turn. Not thread-safe: its lock is the lanes'.

    Args:
        most_rows: how many rows may wait in all.
        most_bytes: how many bytes of request bodies.
    """

    def __init__(self, most_rows: int, most_bytes: int) -> None:
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._waiting: OrderedDict[str, deque[Ticket]] = OrderedDict()
        self.rows = 0
        self.bytes = 0

    def put(self, ticket: Ticket) -> None:
        """Let a ticket wait. Nobody may fill more than half of the queue alone.

        Raises:
            OverloadedError: if there is no room; an empty queue takes any ticket.
        """
        own = self._waiting.get(ticket.attempt.actor_id, ())
        share = (
            sum(one.rows for one in own) + ticket.rows,
            sum(one.size for one in own) + ticket.size,
        )
        if self.rows and (
            self.rows + ticket.rows > self._most_rows
            or self.bytes + ticket.size > self._most_bytes
            or (own and (share[0] * 2 > self._most_rows or share[1] * 2 > self._most_bytes))
        ):  # fmt: skip
            raise OverloadedError
        self._waiting.setdefault(ticket.attempt.actor_id, deque()).append(ticket)
        self._count(ticket, 1)

    def take(self, may_start: Callable[[Ticket], bool]) -> list[Ticket]:
        """Remove and return what can be answered together: of each caller in turn, the oldest first.

        A large request comes alone. Whoever was served goes to the end of the line.

        Args:
            may_start: whether a ticket may be begun now.
        """
        batch: list[Ticket] = []
        rows = 0
        for ticket in list(self._in_turn(may_start)):
            if batch and rows + ticket.rows > LARGE:
                break
            batch.append(ticket)
            rows += ticket.rows
        for ticket in batch:
            self.withdraw(ticket)
            if ticket.attempt.actor_id in self._waiting:
                self._waiting.move_to_end(ticket.attempt.actor_id)
        return batch

    def withdraw(self, ticket: Ticket) -> bool:
        """Remove a ticket; return whether it was still waiting."""
        own = self._waiting.get(ticket.attempt.actor_id)
        if own is None or ticket not in own:
            return False
        own.remove(ticket)
        if not own:
            del self._waiting[ticket.attempt.actor_id]
        self._count(ticket, -1)
        return True

    def _in_turn(self, may_start: Callable[[Ticket], bool]) -> Iterator[Ticket]:
        lines = [[t for t in line if may_start(t)] for line in self._waiting.values()]
        for place in range(max(map(len, lines), default=0)):
            yield from (line[place] for line in lines if place < len(line))

    def _count(self, ticket: Ticket, sign: int) -> None:
        self.rows += sign * ticket.rows
        self.bytes += sign * ticket.size

"""Random bytes from the operating system, fetched many at a time.

Each call of the system lets other threads run first, and a batch needs a hundred of them: fetched one by
one they cost more than everything else that is done for a record.
"""

import os
import threading

_AT_ONCE = 16_384
_lock = threading.Lock()
_stock = b""
_used = 0


def random_bytes(count: int) -> bytes:
    """Return random bytes that nobody else was given, fit for secrets."""
    global _stock, _used
    with _lock:
        if _used + count > len(_stock):
            _stock, _used = os.urandom(max(_AT_ONCE, count)), 0
        _used += count
        return _stock[_used - count : _used]


def _forget() -> None:
    """A forked process must not hand out what its parent hands out, too."""
    global _stock, _lock
    _stock, _lock = b"", threading.Lock()


os.register_at_fork(after_in_child=_forget)

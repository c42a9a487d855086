"""`$skiptoken`: opaque to clients, in the form seen in the field: 32 hex digits, `_`, row offset.

The hex digits hold a number of the chain of pages and the clock at its first page, so the
emulator remembers nothing about a chain. Dead tokens are remembered.
"""

import secrets
from dataclasses import dataclass

from include.graph_emulator import ticks

_MASK = 2**64 - 1


@dataclass(frozen=True)
class SkipToken:
    """Where a chain of pages is."""

    chain: int
    at: int
    """The emulator's clock at the first page, in ticks."""
    offset: int

    def text(self) -> str:
        """The token as it stands in a next link."""
        hidden = (self.at // ticks.SECOND) ^ _scramble(self.chain)
        return f"{self.chain:016x}{hidden:016x}_{self.offset}"


def read(text: str) -> SkipToken | None:
    """The token that `text` is, None if it is none of ours."""
    head, _, offset = text.partition("_")
    if len(head) != 32 or not offset.isascii() or not offset.isdigit():
        return None
    try:
        chain, hidden = int(head[:16], 16), int(head[16:], 16)
    except ValueError:
        return None
    second = hidden ^ _scramble(chain)
    if second > 2**34:  # a forged token: that is after the year 2500
        return None
    return SkipToken(chain, second * ticks.SECOND, int(offset))


def new_chain() -> int:
    """A number for a new chain of pages; two reads of one query differ."""
    return secrets.randbits(64)


def _scramble(number: int) -> int:
    return (number * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) & _MASK

"""What a chain of pages leaves behind it: where it has been, and whether it still brings anything.

Links that never end look like a large tenant, page by page. What tells them apart is that they
bring no event that this chain has not brought before.
"""

from dataclasses import dataclass, field

_BITS = 2**21
"""Of the table of events seen: 256 KiB. Even with ten million events in it, a thousand pages of new
ones do not all look old."""


@dataclass
class Trail:
    """The links a chain followed, the seconds it waited, the events it brought; bounded."""

    seen: set[int] = field(default_factory=set)
    """Hashes of its links."""
    waited: float = 0.0
    idle: int = 0
    """Pages in a row without a new event."""
    _marks: bytearray = field(default_factory=bytearray, repr=False)

    def brought(self, marks: list[int]) -> bool:
        """Whether one of a page's events is new to this chain; counts the page as idle if not."""
        if marks and not self._marks:
            self._marks = bytearray(_BITS // 8)
        new = False
        for mark in marks:
            place, bit = (mark % _BITS) >> 3, 1 << (mark & 7)
            if not self._marks[place] & bit:
                self._marks[place] |= bit
                new = True
        self.idle = 0 if new else self.idle + 1
        return new

    def end(self) -> None:
        """Give the memory back."""
        self.seen.clear()
        self._marks.clear()

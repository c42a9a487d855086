"""The body of an answer, inflated while it comes: bounded by what it becomes, not by what arrives.

One gzip is asked for and taken. Two of them turn two kilobytes into gigabytes, so a stack of
encodings is refused, like those that nobody asked for.
"""

import zlib

from include.entra_logs.errors import Transient

ACCEPTED = "gzip"
"""The value of Accept-Encoding."""
_GZIP = 16 + zlib.MAX_WBITS
"""Tells zlib to take gzip alone."""


class Body:
    """What has come of one body. `whose` begins the sentences: "Graph's answer"."""

    def __init__(self, whose: str, encoding: str, limit: int) -> None:
        """`encoding` is Content-Encoding; Transient for other ones than none and one gzip."""
        names = {"x-gzip": "gzip", "identity": "", "": ""}
        given = [names.get(each, each) for each in _listed(encoding)]
        given = [each for each in given if each]
        if given not in ([], ["gzip"]):
            raise Transient(
                f"{whose} is encoded in a way that was not asked for ({encoding[:40]!a}): if that "
                "lasts, look for a proxy that changes answers."
            )
        self._whose = whose
        self._limit = limit
        self._arrived = self._size = 0
        self._pieces: list[bytes] = []
        self._zip = zlib.decompressobj(_GZIP) if given else None

    def add(self, piece: bytes) -> bool:
        """Take the next piece as it arrived; False once the body is larger than the limit."""
        self._arrived += len(piece)
        while piece and self._size <= self._limit:
            piece = self._keep(piece)
        return max(self._arrived, self._size) <= self._limit

    def whole(self) -> bytes:
        """The body; Transient if its gzip broke off."""
        if self._zip is not None and self._arrived and not self._zip.eof:
            raise Transient(f"{self._whose} broke off within its gzip.")
        return self.begun()

    def begun(self) -> bytes:
        """What has come so far."""
        found = b"".join(self._pieces)
        self._pieces = [found]
        return found

    def _keep(self, piece: bytes) -> bytes:
        """Keep what `piece` becomes, one byte beyond the limit at most; what is left of it."""
        if self._zip is None:
            self._pieces.append(piece)
            self._size += len(piece)
            return b""
        if self._zip.eof:  # a gzip may be several in a row, or end in zeros
            piece = piece.lstrip(b"\0")
            self._zip = zlib.decompressobj(_GZIP) if piece else self._zip
        try:
            found = self._zip.decompress(piece, self._limit - self._size + 1) if piece else b""
        except zlib.error:
            raise Transient(f"{self._whose} is not valid gzip.") from None
        self._pieces.append(found)
        self._size += len(found)
        return self._zip.unconsumed_tail or self._zip.unused_data if piece else b""


def _listed(encoding: str) -> list[str]:
    return [name.strip().lower() for name in encoding.split(",")]

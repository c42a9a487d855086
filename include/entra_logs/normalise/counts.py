"""What a read held, in counts: the checksum of its identities, and what no column takes.

The checksum is the same for any order and any batches. Normalise counts it over what a read
brought, verify over what raw and tables hold. A sum modulo 2^128 of one hash per event: batches may
come in any order, and a million events take a third of a second. It finds accidents and edits by
hand; it is no signature.

A surprise is told by name and type: never a value.
"""

from collections import Counter
from collections.abc import Mapping
from json import dumps
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_KEY = "entra-lake-event"  # 16 characters, the key of pandas' SipHash; changing it changes all sums
_FIRST = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xC2B2AE3D27D4EB4F)


class IdChecksum:
    """Adds up identities `(id, event time)`; `.text` is the sum so far, 32 hexadecimal digits."""

    def __init__(self) -> None:
        self._low = 0
        self._high = 0

    def add(self, ids: pa.Array | pa.ChunkedArray, event_times: pa.Array | pa.ChunkedArray) -> None:
        """Add one identity per row: ids as string, times as `timestamp[us, UTC]`, no nulls."""
        if len(ids) != len(event_times) or ids.null_count or event_times.null_count:
            raise ValueError("a checksum needs an id and an event time in every row")
        if not len(ids):
            return
        identity = identity_hash(ids, event_times)
        self._low = (self._low + int(_mix(identity ^ _FIRST).sum(dtype=np.uint64))) % 2**64
        self._high = (self._high + int(_mix(identity ^ _SECOND).sum(dtype=np.uint64))) % 2**64

    @property
    def text(self) -> str:
        """The sum as 32 hexadecimal digits; of no identities it is all zeros."""
        return f"{self._high:016x}{self._low:016x}"


def id_checksum(ids: pa.Array | pa.ChunkedArray, event_times: pa.Array | pa.ChunkedArray) -> str:
    """The checksum of the rows of two columns, as 32 hexadecimal digits."""
    checksum = IdChecksum()
    checksum.add(ids, event_times)
    return checksum.text


def identity_hash(
    ids: pa.Array | pa.ChunkedArray, event_times: pa.Array | pa.ChunkedArray
) -> NDArray[np.uint64]:
    """One 64-bit hash per row of the identity `(id, event time)`, the same on every machine."""
    from pandas.util import hash_array  # noqa: PLC0415 - 1.4 s that only tasks with data may pay

    texts = ids.to_numpy(zero_copy_only=False) if isinstance(ids, pa.Array) else ids.to_numpy()
    hashed: NDArray[np.uint64] = hash_array(texts, hash_key=_KEY, categorize=False)
    times = event_times.cast(pa.int64())
    micros = (
        times.to_numpy(zero_copy_only=False) if isinstance(times, pa.Array) else times.to_numpy()
    )
    return _mix(hashed) ^ _mix(micros.astype(np.uint64) ^ _SECOND)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`values` scrambled by the finaliser of SplitMix64, a bijection of 64-bit numbers."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


MOST = 200
"""How many surprises are told apart in one read; further ones are counted together."""
LONGEST = 120
"""Characters of a name: whoever sends a name chooses it."""


class Surprise(NamedTuple):
    """A property without a column (`name`), or a value that does not fit its column (no `name`)."""

    path: str
    """Of the object that has the property, or of the value: `initiatedBy.user`, `status[]`."""
    name: str
    kind: str
    """JSON's name of the value's type."""

    def __str__(self) -> str:
        """`status.newThing: string`; in ASCII and cut, so that it is fit for a log line."""
        where = f"{self.path}.{self.name}" if self.path and self.name else self.path or self.name
        return f"{dumps(where)[1:-1][:LONGEST]}: {self.kind}"


class Surprises:
    """Counts events by surprise."""

    def __init__(self) -> None:
        self._counts: Counter[Surprise] = Counter()
        self._others = 0

    def count(self, found: Mapping[Surprise, int]) -> None:
        """Add events by surprise."""
        for surprise, events in found.items():
            if "@" in surprise.name:
                continue  # OData's annotations: about a property, and none of the event's
            if surprise in self._counts or len(self._counts) < MOST:
                self._counts[surprise] += events
            else:
                self._others += events

    def told(self) -> dict[str, int]:
        """Events by surprise, in order of name; `(others)` for what is beyond `MOST`."""
        told: Counter[str] = Counter()
        for surprise, events in self._counts.items():
            told[str(surprise)] += events
        others = {"(others)": self._others} if self._others else {}
        return dict(sorted(told.items())) | others

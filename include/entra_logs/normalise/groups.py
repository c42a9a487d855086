"""Groups of pages → tables of the events that the read answers for."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from include.entra_logs.api import Window
from include.entra_logs.merge.blocks import believed, microseconds
from include.entra_logs.normalise.counts import Surprises
from include.entra_logs.normalise.declared import DeclaredReader
from include.entra_logs.normalise.drifted import DriftedReader
from include.entra_logs.normalise.ordered import ORDER
from include.entra_logs.normalise.partitions import EPOCH, MICROSECOND
from include.entra_logs.normalise.times import Unfit
from include.entra_logs.normalise.undeclared import UndeclaredReader
from include.entra_logs.schema import EXTRA, column_name, columns, event_shape
from include.entra_logs.table import Table

VERSION = "_version"
"""A column beside the table's: the updated time of an event, as far as it can be one."""
GROUP_BYTES = 16 << 20
"""JSON that is read at once; a single page may be larger."""


class RawPage(Protocol):
    """A page of a complete read.

    Pages come in the order of `lake.raw`: of two of a slice the one that was read later is first.
    """

    @property
    def keep(self) -> Window:
        """The part of the read's window that the page's slice answers for."""

    @property
    def body(self) -> bytes:
        """What Graph sent."""


def grouped(pages: Iterable[RawPage], size: int = GROUP_BYTES) -> Iterator[list[RawPage]]:
    """The pages in lists of about `size` bytes, at least one page each."""
    group: list[RawPage] = []
    held = 0
    for page in pages:
        if group and held + len(page.body) > size:
            yield group
            group, held = [], 0
        group.append(page)
        held += len(page.body)
    if group:
        yield group


@dataclass(frozen=True)
class _Part:
    """Some events as columns, and how many of them each page holds."""

    table: pa.Table
    lengths: list[int]


class GroupReader:
    """Reads groups of pages of one read; counts what it leaves out."""

    def __init__(self, table: Table, filter_by: str, window: Window, read_at: datetime) -> None:
        shape = event_shape(table)
        self.schema = pa.schema(
            [(column.name, column.type) for column in columns(table)]
            + [(EXTRA, pa.string()), (VERSION, pa.int64()), (ORDER, pa.int64())]
        )
        self.events = 0
        self.rejects = 0
        self.outside = 0
        self._fast = DeclaredReader(shape)
        self.surprises = Surprises()
        self._odd = UndeclaredReader(shape)
        self._drift = DriftedReader(shape)
        self._window = window
        self._read_at = _micros(read_at)
        self._filter = column_name(filter_by)
        self._event_time = column_name(table.event_time)
        self._updated = column_name(table.updated_time) if table.updated_time else None
        self._needed = {"id", self._event_time, self._filter}
        self._drifting = False
        self._pages = 0

    def read(self, pages: Sequence[RawPage]) -> pa.Table:
        """The events of the pages whose filtered time lies in window and `keep`."""
        parts = self._read([page.body for page in pages])
        lengths = [length for part in parts for length in part.lengths]
        table = pa.concat_tables([part.table for part in parts])
        order = self._order(lengths)
        table = table.append_column(ORDER, pa.array(order))
        table = table.append_column(VERSION, self._versions(table)).select(self.schema.names)
        self._pages += len(pages)
        self.events += table.num_rows
        return self._cut(table, pages, lengths).cast(self.schema)

    def _read(self, bodies: list[bytes]) -> list[_Part]:
        """All bodies at once if they are as declared but for known names, else one by one."""
        ways = (self._read_fast, self._read_drifted)
        for way in ways[::-1] if self._drifting else ways:
            with suppress(Unfit):
                return [way(bodies)]
        if len(bodies) == 1:
            return [self._read_odd(bodies[0])]
        return [part for body in bodies for part in self._read([body])]

    def _read_fast(self, bodies: list[bytes]) -> _Part:
        read = self._fast.read(bodies)
        none = pa.nulls(read.table.num_rows, pa.string())
        return _Part(read.table.append_column(EXTRA, none), read.events)

    def _read_drifted(self, bodies: list[bytes]) -> _Part:
        drifted = [self._drift.extras(body) for body in bodies]
        read = self._fast.read(bodies, skip=True)
        self._drifting = any(page.surprises for page in drifted)
        for page in drifted:
            self.surprises.count(page.surprises)
        extras = pa.array([extra for page in drifted for extra in page.extras], pa.string())
        return _Part(read.table.append_column(EXTRA, extras), read.events)

    def _read_odd(self, body: bytes) -> _Part:
        clean = self._odd.clean(body)
        self.surprises.count(clean.surprises)
        self._drift.learn(clean.surprises)
        read = self._fast.read([clean.body], checked=True)
        extras = pa.array(clean.extras, pa.string())
        return _Part(read.table.append_column(EXTRA, extras), read.events)

    def _order(self, lengths: list[int]) -> NDArray[np.int64]:
        """What was read later is larger: an earlier page here, a later place in its page."""
        pages = np.repeat(np.arange(self._pages, self._pages + len(lengths)), lengths)
        starts = np.repeat(np.cumsum([0, *lengths[:-1]]), lengths)
        order: NDArray[np.int64] = np.arange(len(pages)) - starts - (pages << 32)
        return order

    def _versions(self, table: pa.Table) -> pa.Array:
        """The updated time of each event, as far as it can be one."""
        if self._updated is None:
            return pa.nulls(table.num_rows, pa.int64())
        times = microseconds(table[self._updated])
        return pa.array(times, mask=~believed(times, self._read_at))

    def _cut(self, table: pa.Table, pages: Sequence[RawPage], lengths: list[int]) -> pa.Table:
        """The rows with an identity that the read answers for; counts the others."""
        whole = np.ones(table.num_rows, dtype=bool)
        for name in self._needed:
            if table[name].null_count:
                whole &= pc.is_valid(table[name]).to_numpy()
        whole &= believed(microseconds(table[self._event_time]), self._read_at)
        at = microseconds(table[self._filter])
        low = [_micros(max(page.keep.start, self._window.start)) for page in pages]
        high = [_micros(min(page.keep.end, self._window.end)) for page in pages]
        inside = (at >= np.repeat(low, lengths)) & (at < np.repeat(high, lengths))
        kept = whole & inside
        self.rejects += int((~whole).sum())
        self.outside += int((whole & ~inside).sum())
        return table if kept.all() else table.filter(pa.array(kept))


def _micros(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND

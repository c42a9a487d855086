"""Pages of a read under way: durable one by one, taken up again by a later attempt.

Each attempt writes to a folder of its own, so that an attempt believed dead cannot disturb the one
that took over. A later attempt goes on with the slices and pages of the latest one that is not
finished and not older than six hours; it reads them where they lie. A page is one object: a line of
JSON about it, then its body as one zstd frame, which raw takes over as it is.
"""

import hashlib
import threading
import uuid
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec
import zstandard

from include.entra_logs.api import Window
from include.entra_logs.errors import Corrupt
from include.entra_logs.lake import Lake, layout
from include.entra_logs.lake.store import Stored
from include.entra_logs.source import Page, Slice

REUSABLE = timedelta(hours=6)
"""How long after its last page an attempt is gone on with; later, the source may say otherwise."""
LEVEL = 1
"""Of zstd: pages shrink to a twelfth at some 500 MB/s; higher levels gain little."""
_HEAD = 8 * 1024
"""Bytes that surely hold the line about a page; a cursor is some hundred characters long."""


@dataclass(frozen=True)
class PageHead:
    """What is known of a stored page without its body."""

    slice_id: str
    number: int
    bytes: int
    """Of the body before compression."""
    sha256: str
    events: int
    cursor: str | None
    asked_at: datetime
    request_id: str
    reached: datetime | None


@dataclass(frozen=True)
class _Part:
    """A run of a slice's pages in one attempt's folder: up to number `last`."""

    folder: str
    last: int


@dataclass(frozen=True)
class _Plan:
    """What `slices.json` holds."""

    filter_by: str
    slices: list[Slice]
    parts: dict[str, list[_Part]] = field(default_factory=dict)
    """Pages that lie with earlier attempts, by slice id, ascending."""


@dataclass
class StagedRead:
    """One attempt at a read; the `ReadStore` that a source's pages go to."""

    lake: Lake
    api: str
    tenant_id: str
    window: Window
    kind: str
    filter_by: str
    run_id: str
    group: str
    folder: str
    now: datetime
    _slices: list[Slice] = field(default_factory=list)
    _parts: dict[str, list[_Part]] = field(default_factory=dict)
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def resume(self) -> list[Slice]:
        """The slices of the attempt to go on with, as far as they came; empty without one."""
        found = self._latest()
        if found is None:
            return []
        folder, objects = found
        plan = _decode(self.lake, f"{folder}/{layout.PLAN}")
        stored: dict[str, set[int]] = defaultdict(set)
        for each in objects:
            slice_id, _, name = each.key.removeprefix(f"{folder}/").partition("/")
            if name:
                stored[slice_id].add(int(name.partition(".")[0]))
        slices = [self._advanced(folder, found, stored[found.id]) for found in plan.slices]
        self._parts = {
            each.id: [*plan.parts.get(each.id, []), _Part(folder, each.pages)]
            for each in slices
            if each.pages
        }
        self.save_slices(slices)
        return slices

    def save_slices(self, slices: list[Slice]) -> None:
        """Replace the plan of this attempt."""
        ids = {each.id for each in slices}
        self._parts = {name: parts for name, parts in self._parts.items() if name in ids}
        self._slices = slices
        plan = _Plan(self.filter_by, slices, self._parts)
        self.lake.store.put(f"{self.folder}/{layout.PLAN}", msgspec.json.encode(plan))

    def save_page(self, page: Page) -> None:
        """Keep the page in this attempt's folder."""
        head = PageHead(
            slice_id=page.slice_id,
            number=page.number,
            bytes=len(page.body),
            sha256=hashlib.sha256(page.body).hexdigest(),
            events=page.events,
            cursor=page.cursor,
            asked_at=page.asked_at,
            request_id=page.request_id,
            reached=page.reached,
        )
        key = layout.page_file(self.folder, page.slice_id, page.number)
        body = self._compressor().compress(page.body)
        self.lake.store.put(key, msgspec.json.encode(head) + b"\n" + body)

    def slices(self) -> list[Slice]:
        """The plan as it was saved last, by time."""
        return sorted(self._slices, key=lambda each: each.keep.start)

    def page(self, slice_id: str, number: int) -> tuple[PageHead, bytes]:
        """A stored page: what is known of it, and its body as a zstd frame."""
        folder = self.folder
        for part in reversed(self._parts.get(slice_id, [])):
            if number <= part.last:
                folder = part.folder
        key = layout.page_file(folder, slice_id, number)
        stored = self.lake.store.get(key)
        if stored is None:
            raise Corrupt(f"{key} is missing from staging: clear the task extract to read again.")
        head, _, frame = stored.partition(b"\n")
        return msgspec.json.decode(head, type=PageHead), frame

    def finish(self) -> None:
        """No later attempt goes on with this one or with those that it went on with."""
        parts = (part for parts in self._parts.values() for part in parts)
        for folder in {self.folder, *(part.folder for part in parts)}:
            self.lake.store.put(f"{folder}/{layout.FINISHED}", b"{}")

    def _compressor(self) -> zstandard.ZstdCompressor:
        """One for each thread: they are not thread-safe, and costly to make."""
        if not hasattr(self._local, "zstd"):
            self._local.zstd = zstandard.ZstdCompressor(level=LEVEL)
        made: zstandard.ZstdCompressor = self._local.zstd
        return made

    def _latest(self) -> tuple[str, list[Stored]] | None:
        """The folder and objects of the attempt that may be gone on with; None without one."""
        attempts: dict[str, list[Stored]] = defaultdict(list)
        for found in self.lake.store.list(self.group):
            name = found.key.removeprefix(f"{self.group}/").partition("/")[0]
            attempts[f"{self.group}/{name}"].append(found)
        latest = max(
            (
                (max(each.modified for each in objects), folder)
                for folder, objects in attempts.items()
                if folder != self.folder and self._is_open(folder, objects)
            ),
            default=None,
        )
        if latest is None or latest[0] < self.now - REUSABLE:
            return None
        return latest[1], attempts[latest[1]]

    def _is_open(self, folder: str, objects: list[Stored]) -> bool:
        keys = {each.key for each in objects}
        if f"{folder}/{layout.FINISHED}" in keys or f"{folder}/{layout.PLAN}" not in keys:
            return False
        try:
            return _decode(self.lake, f"{folder}/{layout.PLAN}").filter_by == self.filter_by
        except Corrupt:
            return False  # nothing is lost: the read begins anew

    def _advanced(self, folder: str, found: Slice, stored: set[int]) -> Slice:
        """`found` with the pages that `folder` holds beyond it, without a gap."""
        while not found.done and found.pages + 1 in stored:
            key = layout.page_file(folder, found.id, found.pages + 1)
            line = self.lake.store.get_range(key, 0, _HEAD).partition(b"\n")[0]
            try:
                head = msgspec.json.decode(line, type=PageHead)
            except msgspec.DecodeError:
                break  # a broken page is read anew, and what follows it
            page = Page(
                slice_id=head.slice_id,
                number=head.number,
                body=b"",
                events=head.events,
                cursor=head.cursor,
                asked_at=head.asked_at,
                request_id=head.request_id,
                reached=head.reached,
            )
            found = replace(found.after(page), bytes=found.bytes + head.bytes)
        return found


def open_read(
    lake: Lake,
    api: str,
    tenant_id: str,
    window: Window,
    *,
    kind: str,
    filter_by: str,
    run_id: str,
    attempt: int,
    now: datetime,
) -> StagedRead:
    """A new attempt at a read. `now` is this machine's clock: it only ages earlier attempts."""
    group = layout.read_attempts(api, tenant_id, window, kind)
    folder = layout.read_attempt(group, run_id, attempt, uuid.uuid4().hex[:8])
    return StagedRead(lake, api, tenant_id, window, kind, filter_by, run_id, group, folder, now)


def _decode(lake: Lake, key: str) -> _Plan:
    body = lake.store.get(key)
    if body is None:
        raise Corrupt(f"{key} went away while it was read: clear the task extract.")
    try:
        return msgspec.json.decode(body, type=_Plan)
    except msgspec.DecodeError:
        raise Corrupt(f"{key} is broken: clear the task extract, it reads anew.") from None

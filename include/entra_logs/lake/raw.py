"""What Graph sent, kept as it came: one object of pages per complete read, and its manifest.

The pages are zstd frames one after the other, in ascending order of time as far as Graph sends the
newest first, so that `zstd -dc FILE | jq` reads them. The manifest is written last and only once: a
read without one is not complete. It says where each page lies, and all that the ledger needs.
"""

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import zstandard

from include.entra_logs.api import Window
from include.entra_logs.errors import Corrupt
from include.entra_logs.lake import Lake, layout
from include.entra_logs.lake.staging import StagedRead
from include.entra_logs.lake.waiting import Waiting, wait
from include.entra_logs.source import ReadSummary, Slice

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PageEntry:
    """Where a page lies in the object, and what it is."""

    slice: int
    """Index in `ReadManifest.slices`."""
    number: int
    offset: int
    length: int
    """Of the frame."""
    bytes: int
    """Of the body."""
    sha256: str
    """Of the body."""
    events: int
    request_id: str


@dataclass(frozen=True)
class ReadManifest:
    """A complete read: all that is known of it without its pages."""

    read_id: str
    api: str
    tenant_id: str
    window: Window
    kind: str
    filter_by: str
    run_id: str
    read_at: datetime
    settle: float
    """Delay of the schedule after the window's end, seconds."""
    past_retention: bool
    summary: ReadSummary
    slices: list[Window]
    """What the pages of each slice answer for; together the window, without overlap."""
    pages: list[PageEntry]
    """In the order in which they lie in the object."""

    @property
    def key(self) -> str:
        """Where this manifest lies in the lake."""
        return layout.raw_manifest(self.api, self.tenant_id, self.window, self.read_id)


@dataclass(frozen=True)
class RawPage:
    """A page as Graph sent it."""

    keep: Window
    """An event of it counts if its filtered time lies here."""
    body: bytes


def publish(
    staged: StagedRead, summary: ReadSummary, *, past_retention: bool, settle: timedelta
) -> ReadManifest:
    """Keep the pages of a read that is complete; its manifest, from now on part of raw.

    The name of a read follows from its pages, so the same answers published again, after a crash or
    by who took up the pages of another, are the same read.
    """
    store = staged.lake.store
    slices = staged.slices()
    with store.scratch() as scratch:
        frames = scratch / "pages"
        pages = _collect(staged, slices, frames)
        read_id = layout.read_id(summary.read_at, staged.kind, _token(staged, slices, pages))
        key = layout.raw_manifest(staged.api, staged.tenant_id, staged.window, read_id)
        if store.tag(key) is not None:
            staged.finish()
            return manifest(staged.lake, key)
        wait(staged.lake, _waiting(staged, summary, read_id))
        store.put(layout.raw_file(staged.api, staged.tenant_id, staged.window, read_id), frames)
    made = ReadManifest(
        read_id=read_id,
        api=staged.api,
        tenant_id=staged.tenant_id,
        window=staged.window,
        kind=staged.kind,
        filter_by=staged.filter_by,
        run_id=staged.run_id,
        read_at=summary.read_at,
        settle=settle.total_seconds(),
        past_retention=past_retention,
        summary=summary,
        slices=[each.keep for each in slices],
        pages=pages,
    )
    store.put_if_absent(made.key, msgspec.json.encode(made))
    staged.finish()
    return made


def _token(staged: StagedRead, slices: list[Slice], pages: list[PageEntry]) -> str:
    """A digest of what the read consists of; each answer of a source has an id of its own."""
    told = [[str(slices[p.slice].keep), p.number, p.sha256, p.request_id] for p in pages]
    text = msgspec.json.encode(told or [staged.folder])
    return hashlib.sha256(text).hexdigest()[:16]


def _waiting(staged: StagedRead, summary: ReadSummary, read_id: str) -> Waiting:
    return Waiting(
        read_id=read_id,
        api=staged.api,
        tenant_id=staged.tenant_id,
        window=staged.window,
        kind=staged.kind,
        run_id=staged.run_id,
        read_at=summary.read_at,
    )


def _collect(staged: StagedRead, slices: list[Slice], target: Path) -> list[PageEntry]:
    """Write the frames of all pages to `target`, last page of a slice first; their entries."""
    entries = []
    offset = 0
    with target.open("wb") as file:
        for index, each in enumerate(slices):
            for number in range(each.pages, 0, -1):
                head, frame = staged.page(each.id, number)
                file.write(frame)
                entries.append(
                    PageEntry(
                        slice=index,
                        number=number,
                        offset=offset,
                        length=len(frame),
                        bytes=head.bytes,
                        sha256=head.sha256,
                        events=head.events,
                        request_id=head.request_id,
                    )
                )
                offset += len(frame)
    return entries


def manifest(lake: Lake, key: str) -> ReadManifest:
    """The manifest at `key`. Raises Corrupt if there is none, or it is not whole."""
    body = lake.store.get(key)
    if body is None:
        raise Corrupt(f"{key} is missing from raw: run `make verify` to see what it held.")
    try:
        return msgspec.json.decode(body, type=ReadManifest)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Corrupt(f"{key} is not a whole manifest: run `make verify`.") from error


def manifests(
    lake: Lake, api: str, tenant_id: str | None, window: Window, kind: str | None
) -> list[ReadManifest]:
    """The complete reads whose window starts in `window`, ascending by `read_at`.

    Of one tenant or of all, of one kind or of all.
    """
    tenants = [tenant_id] if tenant_id else _tenants(lake, api)
    found = [
        manifest(lake, stored.key)
        for tenant in tenants
        for partition in window.partitions()
        for stored in lake.store.list(layout.raw_prefix(api, tenant, partition))
        if stored.key.endswith(layout.MANIFEST_SUFFIX)
    ]
    chosen = [m for m in found if m.window.start in window and kind in (None, m.kind)]
    return sorted(chosen, key=lambda m: (m.read_at, m.read_id))


def _tenants(lake: Lake, api: str) -> list[str]:
    folders = lake.store.folders(layout.raw_prefix(api))
    found = (re.fullmatch(r".*/tenant_id=([^/]+)", folder) for folder in folders)
    return sorted(match[1] for match in found if match)


def pages(lake: Lake, read: ReadManifest) -> Iterator[RawPage]:
    """The pages of a read, streamed, nearly ascending in time.

    Raises Corrupt, naming the object, if a page is lost or is not what Graph sent.
    """
    if not read.pages:
        return
    key = layout.raw_file(read.api, read.tenant_id, read.window, read.read_id)
    broken = f"{key} is not what Graph sent: run `make verify` to see which window to read again."
    zstd = zstandard.ZstdDecompressor()
    with lake.store.scratch() as scratch:
        local = scratch / "pages"
        if lake.store.fetch(key, local) is None:
            raise Corrupt(f"{key} is missing from raw: run `make verify` to see what it held.")
        with local.open("rb") as file:
            for entry in read.pages:
                try:
                    body = zstd.decompress(file.read(entry.length), max_output_size=entry.bytes)
                except zstandard.ZstdError as error:
                    raise Corrupt(broken) from error
                if hashlib.sha256(body).hexdigest() != entry.sha256:
                    raise Corrupt(broken)
                yield RawPage(read.slices[entry.slice], body)

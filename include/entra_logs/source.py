"""The protocol between where events come from and where they are kept: a source and a read store.

`graph` is a source and `lake.staging` a read store; they do not know each other, both know this
module, and `pipeline` knows nothing else of either. Standard library only.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from include.entra_logs.api import Api, Window

BELIEVED = timedelta(minutes=15)
"""By how much a source's clock may differ from the worker's; further, the worker's is taken."""


@dataclass(frozen=True)
class Page:
    """One answer, as it came."""

    slice_id: str
    number: int
    """1-based within its slice."""
    body: bytes
    """The bytes of the response after transport decoding; checked to be whole JSON."""
    events: int
    """Length of `value`."""
    cursor: str | None
    """What the source is asked with for the next page; None on the last page of the slice."""
    asked_at: datetime
    """By the source's own clock."""
    request_id: str
    reached: datetime | None = None
    """Every event at or after it (down to the microsecond) lies in this page or one before it.

    None when the pages' order does not prove that: they were not newest first."""


@dataclass(frozen=True)
class Slice:
    """A part of a read's window that is read by its own chain of pages, and how far it is.

    The slices of a complete read have `keep` windows that cover the read's window without overlap:
    an event of a page is kept where its (filtered) time lies in the `keep` of the page's slice.
    """

    id: str
    """Unique in the read, sorts in order of creation, safe in a file name."""
    window: Window
    """What was asked; the source may bring events of the very end as well."""
    keep: Window
    """What its pages answer for; smaller than `window` once a slice was cut short and split."""
    pages: int = 0
    """How many of its pages are stored, 1..pages without a gap."""
    cursor: str | None = None
    """Of page `pages + 1`; None before the first page and after the last."""
    done: bool = False
    """True once the last page is stored, or once `keep` was shrunk to what its pages answer for."""
    reached: datetime | None = None
    """`Page.reached` of the last stored page."""
    asked_at: datetime | None = None
    """When a part of `keep` was first asked for, also by a slice that this one replaced."""
    events: int = 0
    bytes: int = 0
    """Of its stored pages, before anything is cut or removed."""

    def after(self, page: Page) -> "Slice":
        """The slice once `page`, its next one, is stored."""
        return replace(
            self,
            pages=page.number,
            cursor=page.cursor,
            done=page.cursor is None,
            reached=page.reached,
            asked_at=self.asked_at or page.asked_at,
            events=self.events + page.events,
            bytes=self.bytes + len(page.body),
        )


class ReadStore(Protocol):
    """Where a read keeps its slices and pages while it is under way. Thread-safe, durable.

    Implemented by `lake.staging`, used by sources.
    """

    def resume(self) -> list[Slice]:
        """The slices of an earlier try, as far as they came; empty for a fresh read.

        That is the plan last saved, each slice that is not done advanced (`Slice.after`) by the
        stored pages that follow its `pages` without a gap.
        """

    def save_slices(self, slices: list[Slice]) -> None:
        """Replace the whole plan, atomically: called when slices are added, split or shrunk.

        Slices that the new plan leaves out are dropped with their pages. A read is complete when
        every slice of the plan is done; a page counts if its slice is in the plan and has
        `pages >= number`.
        """

    def save_page(self, page: Page) -> None:
        """Keep the page; on return it survives a crash. The same page again replaces itself."""


@dataclass(frozen=True)
class ReadSummary:
    """What one complete read cost and brought, counts only."""

    read_at: datetime
    """When the source was asked for the first page: one per read.

    By its own clock, where that is near the worker's, else by the worker's."""
    pages: int
    events: int
    bytes: int
    requests: int
    """Requests sent by this attempt, refused ones included."""
    throttled: int
    waited: float
    """Seconds spent waiting for the source's budget."""
    last_asked_at: datetime | None = None
    """When it was asked for the last page of this attempt; None where nothing had to be asked."""
    skew: float = 0
    """Seconds by which the source's clock was ahead of the worker's."""


@dataclass(frozen=True)
class Access:
    """Proof that an API may be read."""

    tenant_id: str
    """The tenant's guid."""
    asked_at: datetime | None
    """By the source's own clock, aware UTC; None if it refused the window without a time."""
    past_retention: bool = False
    """The API may be read, but not that far back: `Source.read` will raise PastRetention."""


class Source(Protocol):
    """Where the events of a tenant come from. Errors are those of `errors`, but for Corrupt."""

    @property
    def tenant_id(self) -> str | None:
        """The tenant's guid, as far as it is known without asking."""

    @property
    def credential_end(self) -> datetime | None:
        """When what it is authenticated by ends; None if it doesn't. Raises Refused."""

    def authenticate(self, api: Api, window: Window, filter_by: str) -> Access:
        """Prove that `api` may be read, by as little of `window` as the source can bring."""

    def read(self, api: Api, window: Window, filter_by: str, store: ReadStore) -> ReadSummary:
        """Bring every page of `window` into `store`, going on where an earlier try came to.

        `filter_by` is the time property that the window is of. On return the slices in the store
        cover the window exactly, each to its last page.
        """

"""A request for a page on its way to an answer: the right page, and what a fault may spoil."""

from dataclasses import dataclass

from include.graph_emulator.answers import Answer
from include.graph_emulator.pages import Pages, Rows, envelope
from include.graph_emulator.query import Query
from include.graph_emulator.requests import Request
from include.graph_emulator.tokens import Tokens


@dataclass
class Shared:
    """What all exchanges share, and a fault may change."""

    pages: Pages
    tokens: Tokens
    dead: set[int]
    """Chains of pages whose skip tokens are lost."""


@dataclass(frozen=True)
class Exchange:
    """A request for a page, and the rows that answer it."""

    request: Request
    query: Query
    rows: Rows
    tenant: str
    at: int
    now: int
    null_link: bool
    """The last page says that its next link is null."""
    shared: Shared

    def link(self, offset: int) -> str:
        """The link to the rows from `offset` on."""
        return self.query.link(self.request.host, offset)

    def next_link(self) -> str | None:
        """The right next link."""
        return self.link(self.rows.offset + self.rows.count) if self.rows.more else None

    def page(self) -> Answer:
        """The page as it should be."""
        body = envelope(self.query, self.rows, self.next_link(), null_link=self.null_link)
        return Answer(body=body)

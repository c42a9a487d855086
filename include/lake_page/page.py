"""The page's answers: what ledger and Airflow's runs say together."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from include.entra_logs.api import PARTITION, Api, Window, is_partition_start, utc_text
from include.entra_logs.errors import Corrupt
from include.entra_logs.lake import Lake, layout
from include.entra_logs.lake.layout import Shelf
from include.entra_logs.ledger import ledger, removals
from include.entra_logs.ledger.ledger import Readable
from include.entra_logs.proof.earlier import require_carried_over
from include.entra_logs.settings import Settings
from include.entra_logs.watch.causes import causes
from include.entra_logs.watch.seen import see
from include.lake_page import views
from include.lake_page.known import KnownIntervals
from include.lake_page.memory import Answers
from include.lake_page.runs import runs_in, runs_of, unfinished

DAYS = timedelta(days=30)
"""How many days are shown, and looked back for what needs attention."""


EARLIEST = date(2010, 1, 1)


class NotThere(Exception):
    """What was asked for is not there; the message says what could be."""


class Page:
    """Answers about one lake, as JSON, for the APIs of one catalogue. Thread-safe."""

    def __init__(self, lake: Lake, settings: Settings, apis: Mapping[str, Api]) -> None:
        self._lake = lake
        self._settings = settings
        self._apis = apis
        self._answers = Answers()
        self._known = KnownIntervals(most=2 * len(apis))
        self._dag_ids = [s.dag_id for api in apis.values() for s in api.schedules()]

    def overview(self, session: Any, tenant: str | None) -> bytes:
        """How every API is now, and the calendar of the last days; `tenant` None: the newest."""
        return self._answers.get(
            ("overview", tenant), lambda: self._overview(session, tenant, datetime.now(UTC))
        )

    def calendar(self, session: Any, tenant: str, until: date) -> bytes:
        """The calendar of the days that end with `until`, UTC."""
        now = datetime.now(UTC)
        if not EARLIEST <= until <= now.date():
            raise NotThere(f"The calendar ends between {EARLIEST} and {now.date()}.")
        return self._answers.get(
            ("calendar", tenant, until), lambda: self._calendar(session, tenant, until, now)
        )

    def interval(self, session: Any, tenant: str, name: str, start: datetime) -> bytes:
        """Everything about the interval of the API `name` that starts at `start`."""
        api = self._apis.get(name)
        if api is None:
            raise NotThere(f"There is no API {name!r}; there are {', '.join(self._apis)}.")
        if start.tzinfo is None or not _is_shown(start):
            raise NotThere(
                f"An interval starts at an even hour of UTC between {EARLIEST} and "
                f"{datetime.now(UTC).date()}, and its time has a zone."
            )
        window = Window(start, start + PARTITION)
        return self._answers.get(
            ("interval", tenant, name, window), lambda: self._interval(session, api, tenant, window)
        )

    def _interval(self, session: Any, api: Api, tenant: str, window: Window) -> bytes:
        records = ledger.records(self._lake, api.name, tenant, window)
        runs = runs_in(session, [s.dag_id for s in api.schedules()], window)
        lowered = removals.lowered(self._lake, api.name, tenant)
        return orjson.dumps(views.details(api, tenant, window, records, runs, lowered))

    def _overview(self, session: Any, tenant: str | None, now: datetime) -> bytes:
        span = _days(now.date())
        known = ledger.readable(self._lake, None, None, span)
        table, broken = known
        if not table.num_rows:
            require_carried_over(self._lake)
        tenants = {*pc.unique(table["tenant_id"]).to_pylist()}
        tenants |= {layout.tenant_of(shelf.tenant) for shelf in broken}
        if tenant is None:
            tenant = _newest_tenant(table) or min(tenants, default="")
        shown = self._shown(session, tenant, known, span, now)
        return orjson.dumps(
            {
                "lake": self._lake.url,
                "now": utc_text(now),
                "tenant": tenant,
                "tenants": sorted(tenants),
                "status": [self._status(session, each, now, broken) for each in shown],
                "calendar": _calendar(span, shown),
            }
        )

    def _calendar(self, session: Any, tenant: str, until: date, now: datetime) -> bytes:
        span = _days(until)
        known = ledger.readable(self._lake, None, tenant, span)
        return orjson.dumps(_calendar(span, self._shown(session, tenant, known, span, now)))

    def _shown(
        self, session: Any, tenant: str, known: Readable, span: Window, now: datetime
    ) -> list[views.Shown]:
        """Each API with its own records and unfinished runs."""
        found = unfinished(session, self._dag_ids, span)
        lowered = removals.lowered(self._lake)
        table = known.table.filter(pc.field("tenant_id") == tenant)
        return [
            views.show(
                self._known.get(
                    api, tenant, span, table.filter(pc.field("api") == api.name), lowered
                ),
                found,
                now=now,
                start=self._settings.start,
                broken=known.broken,
            )
            for api in self._apis.values()
        ]

    def _status(
        self, session: Any, shown: views.Shown, now: datetime, broken: Mapping[Shelf, Corrupt]
    ) -> views.JSON:
        api = shown.known.api
        horizon = min(self._settings.retention(api), now - shown.known.span.start)
        seen = see(
            api,
            shown.known.tenant_id,
            shown.known.records,
            now,
            start=self._settings.start,
            horizon=horizon,
            known=shown.known.intervals,
            broken=broken,
        )
        return views.status(seen, causes(seen, runs_of(session, seen, shown.unfinished)))


def _is_shown(start: datetime) -> bool:
    """Whether an interval that the page may be asked about starts then."""
    first = datetime.combine(EARLIEST, time(), UTC)
    return first <= start <= datetime.now(UTC) and is_partition_start(start)


def _newest_tenant(table: pa.Table) -> str:
    """The tenant that was read last; empty if none was."""
    if not table.num_rows:
        return ""
    at = pc.index(table["read_at"], pc.max(table["read_at"])).as_py()
    return str(table["tenant_id"][at])


def _days(until: date) -> Window:
    """The whole days that are shown, up to `until` inclusive."""
    end = datetime.combine(until, time(), UTC) + timedelta(days=1)
    return Window(end - DAYS, end)


def _calendar(span: Window, shown: Iterable[views.Shown]) -> views.JSON:
    return {
        "start": utc_text(span.start),
        "end": utc_text(span.end),
        "apis": [views.calendar(each) for each in shown],
    }

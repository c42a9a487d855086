"""The task of the watch: what counts as told, and what it does when it sees nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.entra_logs.airflow_side import alerts
from include.entra_logs.api import PARTITION, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Refused, Transient
from include.entra_logs.watch.cause import Cause, Kind, Topic
from include.entra_logs.watch.message import Message
from tests.kit.months import TENANT, at, record

START = datetime(2026, 11, 22, tzinfo=UTC)
GAP = Cause(
    Topic(Kind.MISSING, "sign_ins", "tenant", "entra_sign_ins"),
    Window(START, START + PARTITION),
    "Two hours are missing.",
    "Read them.",
)


class Variables:
    """Airflow's Variables in memory."""

    held: dict[str, str]

    def __init__(self) -> None:
        self.held = {}

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        return [key for key in self.held if key.startswith(prefix)]

    def get(self, key: str) -> str:
        """The value."""
        return self.held[key]

    def set(self, key: str, value: str, description: str) -> None:
        """Keep the value."""
        assert description
        self.held[key] = value


class World:
    """What the watch meets: what it sees, and a channel that may be out of order."""

    def __init__(self) -> None:
        self.sees: list[Cause] | Exception = []
        self.channel: Exception | None = None
        self.delivered: list[Message] = []
        self.variables = Variables()
        self.try_number = 3

    def look(self, *_: Any) -> alerts.Look:
        """All causes, or the error."""
        if isinstance(self.sees, Exception):
            raise self.sees
        return alerts.Look(tuple(self.sees), {})

    def deliver(self, conn_id: str, message: Message, context: Any) -> None:
        """Take the message, or be out of order."""
        assert conn_id == "entra_alerts"
        if self.channel:
            raise self.channel
        self.delivered.append(message)

    def context(self) -> dict[str, Any]:
        """The task's context."""
        return {"ti": SimpleNamespace(try_number=self.try_number, max_tries=2)}

    def titles(self) -> list[str]:
        """The titles delivered since this was last asked."""
        found = [message.title.removeprefix("Entra Lake: ") for message in self.delivered]
        self.delivered.clear()
        return found


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A healthy lake and a channel that works."""
    made = World()
    monkeypatch.setenv("ENTRA_ALERTS_CONN_ID", "entra_alerts")
    monkeypatch.setattr(alerts, "look", made.look)
    monkeypatch.setattr(alerts, "deliver", made.deliver)
    monkeypatch.setattr(alerts, "Variable", made.variables)
    monkeypatch.setattr(alerts, "get_current_context", made.context)
    return made


GAP_TITLE = "sign_ins entra_sign_ins [2026-11-22T00:00:00Z, 2026-11-22T02:00:00Z): missing"


def test_once_and_once_more_when_it_is_over(world: World) -> None:
    """Four looks, two messages; health keeps nothing and says nothing."""
    assert alerts.watch() == {"causes": 0, "new": 0, "over": 0}
    assert world.variables.held == {}
    world.sees = [GAP]
    assert alerts.watch() == {"causes": 1, "new": 1, "over": 0}
    assert world.delivered[0].lines == ("Two hours are missing. Read them.",)
    assert world.titles() == [GAP_TITLE]
    assert alerts.watch() == {"causes": 1, "new": 0, "over": 0}
    world.sees = []
    assert alerts.watch() == {"causes": 0, "new": 0, "over": 1}
    assert alerts.watch() == {"causes": 0, "new": 0, "over": 0}
    assert world.titles() == [f"over: {GAP_TITLE}"]


def test_what_was_not_delivered_is_told_again(world: World) -> None:
    """The task is red, nothing is kept; it is told by the next run, its end likewise."""
    world.sees, world.channel = [GAP], Transient("The alert could not be delivered.")
    with pytest.raises(AirflowException, match="not be delivered"):
        alerts.watch()
    assert world.variables.held == {}
    world.channel = None
    alerts.watch()
    assert world.titles() == [GAP_TITLE]
    world.sees, world.channel = [], Transient("The alert could not be delivered.")
    with pytest.raises(AirflowException):
        alerts.watch()
    world.channel = None
    alerts.watch()
    assert world.titles() == [f"over: {GAP_TITLE}"]


def test_a_watch_that_cannot_see_says_so_once(world: World) -> None:
    """The run is red with the sentence; what was told is not called over; seeing again is told."""
    world.sees = [GAP]
    alerts.watch()
    world.titles()
    world.sees = Refused("The lake cannot be read: give the connection access.")
    for _ in range(2):
        with pytest.raises(AirflowFailException, match="The lake cannot be read"):
            alerts.watch()
    assert "The lake cannot be read" in world.delivered[0].lines[0]
    assert world.titles() == ["the watch cannot see"]
    world.sees = [GAP]
    alerts.watch()
    assert world.titles() == ["over: the watch cannot see"]


def test_only_the_last_try_tells_what_a_try_may_mend(world: World) -> None:
    """A network that stumbles for a moment is no alert."""
    world.sees, world.try_number = Transient("The lake cannot be reached."), 2
    with pytest.raises(AirflowException):
        alerts.watch()
    assert world.titles() == []
    world.try_number = 3
    with pytest.raises(AirflowException):
        alerts.watch()
    assert world.titles() == ["the watch cannot see"]


def test_a_fault_of_ours_is_told_without_its_text(world: World) -> None:
    """An unexpected error may quote an event: its text goes nowhere."""
    world.sees = ValueError("alice@contoso.example")
    with pytest.raises(AirflowException, match="Unexpected ValueError"):
        alerts.watch()
    assert "alice" not in str(world.delivered[0])


def test_silent_by_default(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the setting nothing is sent or kept: what is still wrong is told once it is set."""
    monkeypatch.delenv("ENTRA_ALERTS_CONN_ID")
    world.sees = [GAP]
    assert alerts.watch()["causes"] == 1
    assert "Two hours are missing. Read them." in caplog.text
    assert (world.titles(), world.variables.held) == ([], {})
    monkeypatch.setenv("ENTRA_ALERTS_CONN_ID", "entra_alerts")
    alerts.watch()
    assert world.titles() == [GAP_TITLE]


def test_what_somebody_wrote_into_the_variable_is_refused(world: World) -> None:
    """It is not taken for nothing told; the sentence says what to delete."""
    world.variables.held[alerts.TOLD] = "[]]"
    with pytest.raises(AirflowFailException, match="delete it"):
        alerts.watch()
    assert world.titles() == []


@pytest.mark.parametrize(
    ("tenant", "reads", "watched"),
    [
        (TENANT, ["another"], TENANT),
        (None, ["older", "newest"], "newest"),
        (None, [], ""),
    ],
    ids=["named", "not named", "nothing read"],
)
def test_the_tenant_that_is_watched(tenant: str | None, reads: list[str], watched: str) -> None:
    """The source's; where it names none, the one that was read last."""
    named: Any = SimpleNamespace(tenant_id=tenant)
    (main, *_) = CATALOGUE["sign_ins"].schedules()
    records = [record(main, at(20, 2 * n), tenant_id=name) for n, name in enumerate(reads)]
    assert alerts._tenant(named, records[::-1]) == watched

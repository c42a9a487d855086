"""Throttling, second by second."""

import pytest

from include.graph_emulator import throttle
from include.graph_emulator.settings import Settings
from include.graph_emulator.throttle import Throttle


class Watch:
    """A clock that a test moves."""

    now = 1000.0

    def monotonic(self) -> float:
        """The time that the test set."""
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """The throttle's clock."""
    watch = Watch()
    monkeypatch.setattr(throttle, "time", watch)
    return watch


def test_sliding_window(watch: Watch) -> None:
    """Five in any ten seconds pass; the wait tells when the next one may."""
    it = Throttle(Settings())
    for second in range(5):
        watch.now = 1000.0 + second
        assert it.arrive("audit", "app", "tenant") is None
    watch.now = 1006.0
    assert it.arrive("audit", "app", "tenant") == pytest.approx(5.0)


def test_refused_calls_count(watch: Watch) -> None:
    """Whoever goes on asking stays refused; whoever waits as told may pass."""
    it = Throttle(Settings())
    for _ in range(5):
        it.arrive("audit", "app", "tenant")
    for tick in range(1, 60):
        watch.now = 1000.0 + tick
        wait = it.arrive("audit", "app", "tenant")
        assert wait is not None
    watch.now += wait
    assert it.arrive("audit", "app", "tenant") is None


def test_who_shares_a_limit(watch: Watch) -> None:
    """Audit logs: per app and tenant, 122 per app in all. Identity protection: per tenant."""
    it = Throttle(Settings())
    for tenant in range(24):
        for _ in range(5):
            assert it.arrive("audit", "app", f"tenant {tenant}") is None
    assert it.arrive("audit", "other app", "tenant 0") is None
    assert [it.arrive("audit", "app", f"new {n}") is None for n in range(3)] == [True, True, False]
    assert it.arrive("identityProtection", "app", "tenant") is None
    assert it.arrive("identityProtection", "other app", "tenant") is not None
    assert it.arrive("identityProtection", "app", "other tenant") is None


def test_time_scale(watch: Watch) -> None:
    """Ten times faster: five in one second."""
    it = Throttle(Settings(time_scale=10))
    for _ in range(5):
        it.arrive("audit", "app", "tenant")
    assert it.arrive("audit", "app", "tenant") == pytest.approx(1.0)
    assert Throttle(Settings(throttling=False)).arrive("audit", "app", "tenant") is None

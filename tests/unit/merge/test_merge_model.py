"""Merges in any order against a model in plain Python."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from include.entra_logs.lake import open_lake
from include.entra_logs.merge import files, partition_file
from include.entra_logs.schema import CHANGED_AT, FIRST_SEEN_AT
from tests.kit.budget import counted
from tests.kit.rows import DETECTIONS, READ, START, event, load, stored

IDS = st.sampled_from(["a", "b", "\U0001f600"])


@dataclass(frozen=True)
class Known:
    """A stored event of the model."""

    state: str
    updated: int
    first: int
    changed: int

    def then(self, state: str, updated: int, read: int) -> "Known":
        """The event once a read brought this content."""
        now = replace(self, first=min(self.first, read))
        if (state, updated) == (self.state, self.updated):
            return replace(now, changed=min(self.changed, read))
        if updated > self.updated or (updated == self.updated and read >= self.changed):
            return replace(now, state=state, updated=updated, changed=read)
        return now


READS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.dictionaries(
            st.tuples(IDS, st.integers(0, 8)),
            st.tuples(st.sampled_from("xyz"), st.integers(0, 2)),
            max_size=8,
        ),
    ),
    max_size=6,
)


@settings(max_examples=counted(quick=15, ci=150))
@given(READS)
def test_merges_agree_with_the_model(reads: list) -> None:
    """After each merge, of reads in any order: every event once, its newest version, its times."""
    model: dict[tuple[str, int], Known] = {}
    with (
        TemporaryDirectory() as folder,
        patch.object(partition_file, "BATCH", 3),
        patch.object(files, "ROW_GROUP", 4),
    ):
        lake = open_lake(Path(folder, "lake").as_uri())
        for read, brought in reads:
            counts = load(lake, DETECTIONS, _events(brought), _at(read), Path(folder))
            before = dict(model)
            for key, (state, updated) in brought.items():
                known = model.get(key, Known(state, updated, read, read))
                model[key] = known.then(state, updated, read)
            touched = [model[key] for key in brought]
            assert counts.added == sum(known.first == read for known in touched)
            assert counts.changed == sum(k.changed == read and k.first != read for k in touched)
            assert counts.unchanged == len(brought) - counts.added - counts.changed
            assert counts.rewritten == (model != before)
            assert (_stored(lake) if model else {}) == model


def _at(read: int) -> object:
    return READ + timedelta(hours=read)


def _events(brought: dict) -> list:
    return [
        event(
            id_, second, risk_state=state, last_updated_date_time=START + timedelta(hours=updated)
        )
        for (id_, second), (state, updated) in brought.items()
    ]


def _stored(lake: object) -> dict:
    rows = stored(lake, DETECTIONS)
    found = {
        (row["id"], int((row["at"] - START).total_seconds())): Known(
            row["risk_state"],
            (row["last_updated_date_time"] - START) // timedelta(hours=1),
            round((row[FIRST_SEEN_AT] - READ) / timedelta(hours=1)),
            round((row[CHANGED_AT] - READ) / timedelta(hours=1)),
        )
        for row in rows
    }
    assert len(found) == len(rows)
    return found

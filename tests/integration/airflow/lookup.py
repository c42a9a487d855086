"""What the tests on real Airflow look at afterwards: runs, tables, and what must not be there."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from include.entra_logs.api import utc_text

HALF_ALLOWED = "7b0c8a35-2f5e-4d09-9a61-0e4c1d7f2b88"
"""The emulator's app that may read audit logs and no risk detections."""
SECRET = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}|emulator~secret|[\w.]+@lakeside\.example")
"""A token, the app's secret, somebody's name: what no log, XCom or database may hold."""


@dataclass(frozen=True)
class Done:
    """What is left of a DAG run."""

    state: str
    tries: dict[str, int]
    states: dict[str, str]
    pools: dict[str, str]
    text: str
    """Everything that was printed and logged."""
    xcoms: dict[str, Any]
    asset_events: dict[tuple[str, str | None], Any]
    """The extra of each asset event of the run, by the asset's address and the partition key."""

    def reason(self, task: str = "authenticate") -> str:
        """The last sentence of the red task: what its exception says."""
        assert self.states[task] == "failed", self.text[-3000:]
        found = re.findall(r"^airflow\.\S+Exception: (.+)$", self.text, re.MULTILINE)
        return str(found[-1])


def truth(emulator: Any, api: str, start: Any, end: Any) -> list[str]:
    """The ids that a complete read of the window brings, sorted."""
    return sorted(name for name, _ in emulator.truth(api, start, end).ids)


def late_sign_in(emulator: Any, at: datetime) -> None:
    """Graph shows a sign-in from now on that happened at `at`."""
    number = at.strftime("%d%H%M%S")
    emulator.add_events(
        "sign_ins",
        [
            {
                "id": f"a0000000-0000-4000-8000-0000{number}",
                "createdDateTime": utc_text(at),
                "userId": "b0000000-0000-4000-8000-000000000001",
                "status": {"errorCode": 0},
            }
        ],
    )


def table(lake: Path, name: str, before: datetime | None = None) -> list[str]:
    """The ids in a table, sorted; each row its id. With `before`, of partitions before it."""
    files = sorted((lake / "tables" / name).rglob("*.parquet"))
    if before is not None:
        end = f"date={before:%Y-%m-%d}/hour={before:%H}"
        files = [file for file in files if "/".join(file.parts[-3:-1]) < end]
    if not files:
        return []
    return sorted(ds.dataset(files).to_table(columns=["id"])["id"].to_pylist())


def files_of(lake: Path, name: str) -> dict[str, tuple[bytes, int]]:
    """Every file of a table: content and inode, so that even an equal rewrite is seen."""
    return {
        str(path.relative_to(lake)): (path.read_bytes(), path.stat().st_ino)
        for path in sorted((lake / "tables" / name).rglob("*.parquet"))
    }


def secrets_in_text(text: str) -> list[str]:
    """Each token, secret or name in `text`, with a little around it."""
    return [text[max(0, hit.start() - 60) : hit.end()] for hit in SECRET.finditer(text)]


def secrets_in_files(folder: Path) -> list[str]:
    """The same in every file below `folder`, databases included."""
    return [
        f"{path}: {found}"
        for path in folder.rglob("*")
        if path.is_file()
        for found in secrets_in_text(path.read_bytes().decode("utf-8", errors="ignore"))
    ]

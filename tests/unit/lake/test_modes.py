"""Who may read what a lake keeps: its owner, and its group where the root's mode says so."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.entra_logs.lake import Lake, open_lake


@pytest.fixture(autouse=True, params=[0o022, 0o000, 0o077], ids=["022", "000", "077"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """The usual one, a careless one, a strict one: none of them matters."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def filled(root: Path) -> Lake:
    """A lake in which everything was made that is made anywhere."""
    lake = open_lake(root.as_uri())
    lake.check()
    lake.store.put("tables/a/b/bytes", b"1")
    lake.store.put_if_absent("raw/new", b"2")
    with lake.store.scratch() as scratch:
        (scratch / "built").write_bytes(b"3")
        lake.store.put("tables/linked", scratch / "built")
        lake.store.snapshot("tables/linked", scratch / "snapshot")
        assert {stat.S_IMODE(p.stat().st_mode) & 0o007 for p in [scratch, scratch / "snapshot"]} \
            == {0}  # fmt: skip
    beside = root.parent / "beside"
    beside.write_bytes(b"4")
    lake.store.put("staging/copied", beside)
    lake.store.copy("tables/linked", "ledger/broken/copy")
    return lake


def modes(root: Path) -> tuple[set[int], set[int]]:
    """Of all folders below the root, and of all files."""
    found = [path for path in root.rglob("*") if not path.is_symlink()]
    folders = {stat.S_IMODE(p.stat().st_mode) for p in found if p.is_dir()}
    return folders, {stat.S_IMODE(p.stat().st_mode) for p in found if p.is_file()}


def test_a_new_lake_is_its_owners(tmp_path: Path) -> None:
    """Root, folders, files, lock, staging and links."""
    root = tmp_path / "lake"
    filled(root)
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert modes(root) == ({0o700}, {0o600})


@pytest.mark.parametrize(
    ("root_mode", "folder", "file"),
    [
        (0o755, 0o750, 0o640),
        (0o770, 0o770, 0o660),
        (0o2775, 0o2770, 0o660),
        (0o700, 0o700, 0o600),
        (0o777, 0o770, 0o660),
    ],
    ids=lambda mode: f"{mode:o}",
)
def test_a_lake_in_a_folder_that_is_there(
    tmp_path: Path, root_mode: int, folder: int, file: int
) -> None:
    """The group may do what it may do in the root, others nothing; what was there stays so."""
    root = tmp_path / "lake"
    (root / "tables").mkdir(parents=True)
    (root / "tables").chmod(0o755)
    (root / "tables" / "old").write_bytes(b"0")
    (root / "tables" / "old").chmod(0o644)
    root.chmod(root_mode)
    filled(root)
    assert stat.S_IMODE(root.stat().st_mode) == root_mode
    assert modes(root) == ({folder, 0o755}, {file, 0o644})

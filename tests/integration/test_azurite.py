"""The lake on Azure storage: the same code as on disk, tried on Azurite."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

from include.entra_logs.errors import Corrupt, Refused, Transient
from include.entra_logs.lake import Lake, open_lake
from include.entra_logs.lake.azure import azure_options
from tests.kit.azurite import ACCOUNT, KEY, Azurite
from tests.kit.rows import READ, SIGN_INS, event, key, load
from tests.unit.lake import test_staging_raw, test_store
from tests.unit.merge import test_merge

pytestmark = pytest.mark.azurite


@pytest.fixture
def lake(azurite: Azurite) -> Lake:
    """An empty lake in a container of its own."""
    return azurite.lake()


SAME = [
    test_store.test_conditional_writes,
    test_store.test_many_threads_replace_one_object,
    test_store.test_a_snapshot_stays_what_it_was,
    test_store.test_open_never_mixes_two_versions,
    test_store.test_what_is_missing,
    test_staging_raw.test_a_complete_read_is_kept_as_it_came,
    test_staging_raw.test_a_later_attempt_goes_on_where_the_first_one_ended,
    test_staging_raw.test_a_zombie_does_not_disturb_the_attempt_that_took_over,
    test_staging_raw.test_success_ends_reuse,
]
MERGES = [
    test_merge.test_first_read_makes_the_partition,
    test_merge.test_an_equal_read_leaves_the_file_alone,
    test_merge.test_the_same_read_again_counts_the_same,
    test_merge.test_a_later_version_replaces_and_keeps_when_it_was_first_seen,
    test_merge.test_ids_of_any_character_are_told_apart_and_sorted_by_their_bytes,
    test_merge.test_a_table_of_an_older_schema_is_upgraded,
]


@pytest.mark.parametrize("promise", SAME, ids=lambda promise: promise.__name__)
def test_azure_keeps_the_promises_of_the_local_store(promise: object, lake: Lake) -> None:
    """What holds on disk holds on Azure."""
    promise(lake)


@pytest.mark.parametrize("promise", MERGES, ids=lambda promise: promise.__name__)
def test_azure_keeps_the_promises_of_merging(promise: object, lake: Lake, tmp_path: Path) -> None:
    """What holds for a partition on disk holds for one on Azure."""
    promise(lake, tmp_path)


def test_a_fresh_container_passes_the_check_and_is_left_empty(lake: Lake) -> None:
    """The probe proves conditional writes, and goes."""
    lake.check()
    assert list(lake.store.list("")) == []


def test_a_merge_on_azure_leaves_only_the_table(lake: Lake, tmp_path: Path) -> None:
    """Files are built on the worker and put whole."""
    load(lake, SIGN_INS, [event("a")], READ, tmp_path)
    load(lake, SIGN_INS, [event("b")], READ, tmp_path)
    assert [found.key for found in lake.store.list("")] == [key(SIGN_INS)]


def test_a_broken_partition_on_azure_is_refused(lake: Lake, tmp_path: Path) -> None:
    """As on disk: named, with the command that mends it."""
    lake.store.put(key(SIGN_INS), b"PAR1 but not really PAR1")
    with pytest.raises(Corrupt, match="rebuild --table sign_ins"):
        load(lake, SIGN_INS, [event("b")], READ, tmp_path)


def test_two_prefixes_of_one_container_are_two_lakes(azurite: Azurite) -> None:
    """A prefix holds its lake together, and apart from what else lies in the container."""
    options = azure_options(None, None, None, {"connection_string": azurite.connection_string})
    container = azurite.container()
    one, two = (open_lake(f"abfs://c@{container}/{p}", options) for p in ("a/b", "a/bc"))
    one.store.put("x", b"1")
    assert [found.key for found in one.store.list("")] == ["x"]
    assert list(two.store.list("")) == []


@pytest.mark.parametrize("kind", ["key", "sas token", "sas address"])
def test_each_kind_of_credential_of_a_connection_works(azurite: Azurite, kind: str) -> None:
    """The fields of the provider's connection, as users fill them in.

    The signature is the container's: Azurite has no rule for an account's at Blob Batch (500).
    """
    container = azurite.container()
    sas = generate_container_sas(
        ACCOUNT,
        container,
        account_key=KEY,
        permission=ContainerSasPermissions(
            read=True, write=True, list=True, delete=True, create=True
        ),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    fields = {
        "key": {"host": azurite.endpoint, "password": KEY, "extra": {}},
        "sas token": {"host": azurite.endpoint, "password": None, "extra": {"sas_token": sas}},
        "sas address": {
            "host": azurite.endpoint,
            "password": None,
            "extra": {"sas_token": f"https{azurite.endpoint[4:]}?{sas}"},
        },
    }[kind]
    options = azure_options(login=None, **fields)
    options["endpoint"] = options["endpoint"].replace("https://", "http://")
    lake = open_lake(f"abfs://c@{container}/lake", options)
    lake.check()
    test_store.test_deleting_many(lake)


def test_a_container_that_is_missing_is_refused(azurite: Azurite) -> None:
    """The message says to create it."""
    with pytest.raises(Refused, match="create its container"):
        azurite.lake("no-such-container").check()


def test_wrong_credentials_are_refused_without_showing_them(azurite: Azurite) -> None:
    """The message names what to check, and neither key nor signature."""
    options = azure_options(None, "d3Jvbmc=", azurite.endpoint, {})
    with pytest.raises(Refused, match="refused the credentials") as raised:
        open_lake(f"abfs://c@{azurite.container()}/lake", options).check()
    assert "d3Jvbmc" not in str(raised.value)


def test_an_account_that_does_not_answer_is_tried_again_later(azurite: Azurite) -> None:
    """A network fault is no reason to give up for good."""
    endpoint = f"http://127.0.0.1:9/{ACCOUNT}"
    with pytest.raises(Transient, match="did not answer"):
        open_lake("abfs://c@lake/x", azure_options(None, KEY, endpoint, {})).store.get("x")

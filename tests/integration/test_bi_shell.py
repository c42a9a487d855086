"""`python -m include.bi`, what `make bi` runs: the shell, one question, and what it refuses."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from include.bi.azure import azure_statements
from include.bi.database import table_root
from include.entra_logs.errors import Refused
from tests.integration.bi_lake import sign_in, write_rows

ROOT = Path(__file__).parents[2]
BI = [sys.executable, "-m", "include.bi"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a lake with one sign-in at night."""
    write_rows(tmp_path / "a lake", "sign_ins", [sign_in("anna", "2026-11-02 23:00")])
    lake_url = (tmp_path / "a lake").as_uri()
    return {**os.environ, "PYTHONPATH": str(ROOT), "ENTRA_LAKE_URL": lake_url}


def test_shell_has_tables_views_and_questions(environment: dict[str, str]) -> None:
    """DuckDB's shell starts with everything open, and prints nothing of its own before."""
    done = subprocess.run(
        BI, env=environment, input="FROM who_works_late;\nSELECT count(*) FROM calendar;\n",
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "anna@example.com" in done.stdout
    assert "96" in done.stdout
    assert "Success" not in done.stdout
    assert "rror" not in done.stderr


def test_shell_ends_on_sigterm(environment: dict[str, str]) -> None:
    """The shell is the process that was started: what ends that leaves nothing behind."""
    shell = subprocess.Popen(BI, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert shell.stdin is not None
    assert shell.stdout is not None
    shell.stdin.write(b"SELECT 'rea' || 'dy';\n")
    shell.stdin.flush()
    while b"ready" not in shell.stdout.readline():
        time.sleep(0)
    program = Path(f"/proc/{shell.pid}/exe")
    assert not program.exists() or program.resolve().name == "duckdb"
    shell.terminate()
    assert shell.wait(10) == -signal.SIGTERM
    shell.stdin.close()
    shell.stdout.close()


def test_one_question_is_answered_as_a_table(environment: dict[str, str]) -> None:
    """`question NAME` prints the question and its answer."""
    done = subprocess.run(
        [*BI, "question", "who_works_late", "--time-zone", "Europe/Berlin"],
        env={**environment, "COLUMNS": "200"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Who works late?" in done.stdout
    assert "2026-11-03 00:00:00" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "lake_url", "message"),
    [
        pytest.param(["question", "who"], None, "there is no question 'who'", id="question"),
        pytest.param(["questions"], "s3://lake", "", id="lake-not-asked-for"),
        pytest.param(["question", "who_works_late"], "s3://lake", "ENTRA_LAKE_URL", id="lake"),
    ],
)
def test_a_refusal_is_one_sentence(
    environment: dict[str, str], arguments: list[str], lake_url: str | None, message: str
) -> None:
    """What cannot work says so in one line, without a traceback."""
    chosen = environment | ({"ENTRA_LAKE_URL": lake_url} if lake_url else {})
    done = subprocess.run(
        [*BI, *arguments], env=chosen, capture_output=True, text=True, check=False
    )
    assert (done.returncode != 0) == bool(message)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("lake_url", "root"),
    [
        pytest.param("file:///srv/a%20lake", "/srv/a lake/tables", id="file"),
        pytest.param("abfs://conn@logs/entra/", "az://logs/entra/tables", id="azure"),
        pytest.param("abfs://conn@logs", "az://logs/tables", id="azure-without-prefix"),
    ],
)
def test_tables_lie_below_the_lake(lake_url: str, root: str) -> None:
    """ENTRA_LAKE_URL as DuckDB writes it."""
    assert table_root(lake_url) == root


@pytest.mark.parametrize(
    ("azure", "secret"),
    [
        pytest.param(
            {"account_name": "acc", "account_key": "k=="},
            "AccountName=acc;AccountKey=k==;BlobEndpoint=https://acc.blob.core.windows.net;",
            id="key",
        ),
        pytest.param(
            {"account_name": "acc", "sas_key": "?sv=1&sig=x"},
            "BlobEndpoint=https://acc.blob.core.windows.net;SharedAccessSignature=sv=1&sig=x",
            id="sas",
        ),
        pytest.param(
            {"account_name": "a", "tenant_id": "t", "client_id": "c", "client_secret": "it's"},
            "PROVIDER service_principal, ACCOUNT_NAME 'a', TENANT_ID 't', CLIENT_ID 'c', "
            "CLIENT_SECRET 'it''s'",
            id="service-principal",
        ),
        pytest.param({"account_name": "a"}, "PROVIDER credential_chain", id="managed-identity"),
    ],
)
def test_secret_of_the_account(azure: dict[str, str], secret: str) -> None:
    """Each way to log in to a storage account has its secret in DuckDB."""
    assert secret in azure_statements(azure)[-1]


def test_an_account_without_a_name_is_refused() -> None:
    """A connection that names no account is told apart from one that fails."""
    with pytest.raises(Refused, match="account_name"):
        azure_statements({})

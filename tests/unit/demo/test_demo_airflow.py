from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from include.demo import airflow
from include.demo.airflow import PATIENCE, TRIES, LocalAirflow, airflow_environment
from include.demo.processes import Processes


def test_a_busy_database_is_waited_for(tmp_path: Path) -> None:
    """No part fails as "database is locked" while another one writes for some seconds."""
    url = airflow_environment(tmp_path, 8080, {})["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    with create_engine(url).connect() as connection:
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 1000 * PATIENCE
    assert (tmp_path / "airflow.db").exists()


@pytest.mark.parametrize(
    ("status", "times", "asked"),
    [(500, 2, 3), (500, 99, TRIES), (404, 99, 1)],
    ids=["passes by", "stays", "is no fault of the database"],
)
def test_unpausing_is_tried_again_after_a_500(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, times: int, asked: int
) -> None:
    """A server error is asked about again, so often and no more; what stays is raised."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(status if len(seen) <= times else 200)

    monkeypatch.setattr(airflow.time, "sleep", lambda _: None)
    local = LocalAirflow(Processes(tmp_path, airflow_environment(tmp_path, 8080, {})))
    local.api = httpx.Client(base_url=local.api.base_url, transport=httpx.MockTransport(answer))
    if times < TRIES:
        local.unpause(["entra_sign_ins"])
    else:
        with pytest.raises(httpx.HTTPStatusError):
            local.unpause(["entra_sign_ins"])
    assert seen == ["/api/v2/dags/entra_sign_ins"] * asked

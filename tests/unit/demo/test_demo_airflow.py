from pathlib import Path

from sqlalchemy import create_engine, text

from include.demo.airflow import PATIENCE, airflow_environment


def test_a_busy_database_is_waited_for(tmp_path: Path) -> None:
    """No part fails as "database is locked" while another one writes for some seconds."""
    url = airflow_environment(tmp_path, 8080, {})["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    with create_engine(url).connect() as connection:
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 1000 * PATIENCE
    assert (tmp_path / "airflow.db").exists()

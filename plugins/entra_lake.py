"""What Airflow itself must load: the registration of the timetable."""

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from include.entra_logs.timetable import SettledIntervalTimetable


class EntraLakePlugin(AirflowPlugin):  # type: ignore[misc]  # Airflow is untyped
    """Entra Lake in Airflow."""

    name = "entra_lake"
    timetables: ClassVar = [SettledIntervalTimetable]

"""Where Airflow's database says that the timetable is: `airflow_side.timetable` has it."""

from include.entra_logs.airflow_side.timetable import SettledIntervalTimetable

__all__ = ["SettledIntervalTimetable"]

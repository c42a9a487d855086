"""Everything that imports Airflow, and what its UI says. Nothing else of `entra_logs` does.

bridge       a task's context to its run, errors to Airflow's   connections  Airflow's connections
timetable    when which interval is due                         runbook      the text of each DAG
alerts       the task that looks and tells                      notifiers    how it is told
assets       what other DAGs are told of a load                 metrics      what monitoring is told
init         `make init`                               pools        a run from raw waits for none
"""

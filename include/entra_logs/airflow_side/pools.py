"""A run from raw asks nothing of Graph, so it does not wait for the pool that keeps Graph's budget.

A task's pool is fixed when DAGs are parsed; Airflow's hook for task instances may change it by the
conf of the run (Airflow 3.3.2, `airflow.policies`). The plugin registers it.
"""

from typing import Any

from airflow import settings
from airflow.policies import hookimpl

from include.entra_logs.catalogue import CATALOGUE

ASKING = ("authenticate", "extract")
FREE = "default_pool"
_DAGS = {schedule.dag_id for api in CATALOGUE.values() for schedule in api.schedules()}


class PoolOfRawRuns:
    """The hook. It is given each task instance that is made, of whatever DAG."""

    @hookimpl
    def task_instance_mutation_hook(self, task_instance: Any, dag_run: Any) -> None:
        """Let what would wait for Graph go where nobody waits for it, in a run from raw."""
        if task_instance.task_id in ASKING and task_instance.dag_id in _DAGS:
            conf = dag_run.conf if dag_run is not None else None
            if conf and conf.get("source") == "raw":
                task_instance.pool = FREE


def register() -> None:
    """Have Airflow call the hook, once however often this is called."""
    manager = settings.get_policy_plugin_manager()
    if not manager.has_plugin(PoolOfRawRuns.__name__):
        manager.register(PoolOfRawRuns(), PoolOfRawRuns.__name__)
    # Airflow calls no hook while this says that there is none; its own loading of hooks sets it.
    settings.task_instance_mutation_hook.is_noop = False

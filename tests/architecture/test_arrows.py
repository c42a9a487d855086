"""The arrows of docs/design.md: who may import whom."""

from collections.abc import Mapping
from typing import Any

import pytest

Modules = Mapping[str, Any]

AIRFLOW_SIDE = {
    "include.entra_logs.airflow_bridge",
    "include.entra_logs.alerts",
    "include.entra_logs.assets",
    "include.entra_logs.connections",
    "include.entra_logs.init",
    "include.entra_logs.notifiers",
    "include.entra_logs.metrics",
    "include.entra_logs.timetable",
}
"""The modules of include/entra_logs that may import Airflow; all others run without it."""
HEAVY = {"pandas", "pyarrow", "numpy", "duckdb", "obstore", "httpx", "azure", "msal"}
"""What parsing the DAGs must not load: together several seconds."""


def _below(name: str, parents: set[str]) -> bool:
    return any(name == parent or name.startswith(parent + ".") for parent in parents)


def _reached(modules: Modules, start: set[str], imports: str) -> dict[str, str]:
    """Every project module that is loaded with `start`, and by which module it was asked for."""
    found = dict.fromkeys(start, "")
    todo = list(start)
    while todo:
        name = todo.pop()
        parents = {name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)}
        for other in getattr(modules[name], imports) | parents:
            if other in modules and other not in found:
                found[other] = name
                todo.append(other)
    return found


@pytest.mark.parametrize("folder", ["dags", "plugins", "tests", "bench"])
def test_include_never_imports_back(modules: Modules, folder: str) -> None:
    """`dags` and `plugins` import `include`, never the other way round; nothing imports tests."""
    wrong = [
        (m.name, other)
        for m in modules.values()
        for other in m.anywhere
        if _below(other, {folder}) and not _below(m.name, {folder})
    ]
    assert wrong == []


def test_a_declaration_imports_the_declarations_alone(modules: Modules) -> None:
    """A file of the catalogue needs `api` and the standard library's dates, nothing else."""
    allowed = {"include.entra_logs.api", "datetime"}
    files = [m for m in modules.values() if m.name.startswith("include.entra_logs.apis.")]
    assert len(files) >= 3
    assert [(m.name, n) for m in files for n in m.anywhere if not _below(n, allowed)] == []


@pytest.mark.parametrize(("one", "other"), [("graph", "lake"), ("lake", "graph")])
def test_graph_and_lake_do_not_know_each_other(modules: Modules, one: str, other: str) -> None:
    """What speaks to Graph and what touches storage are joined by `pipeline` alone."""
    inside = {name for name in modules if _below(name, {f"include.entra_logs.{one}"})}
    assert inside, f"include/entra_logs/{one} is empty"
    wrong = {
        name: by
        for name, by in _reached(modules, inside, "anywhere").items()
        if _below(name, {f"include.entra_logs.{other}"})
    }
    assert wrong == {}


def test_airflow_is_imported_at_the_edge_alone(modules: Modules) -> None:
    """Only the modules named above import Airflow, of all in include/entra_logs."""
    wrong = [
        m.name
        for m in modules.values()
        if _below(m.name, {"include.entra_logs"})
        and m.name not in AIRFLOW_SIDE
        and any(_below(other, {"airflow"}) for other in m.anywhere)
    ]
    assert wrong == []


def test_pipeline_runs_without_airflow(modules: Modules) -> None:
    """`pipeline` reaches no module that imports Airflow, so a test runs a month in seconds."""
    reached = _reached(modules, {"include.entra_logs.pipeline"}, "anywhere")
    wrong = {
        name: by
        for name, by in reached.items()
        if any(_below(other, {"airflow"}) for other in modules[name].anywhere)
    }
    assert wrong == {}


def test_the_watch_needs_neither_airflow_nor_graph(modules: Modules) -> None:
    """What needs attention is a pure function: the lake page shows it, and tests run a month."""
    watch = {name for name in modules if _below(name, {"include.entra_logs.watch"})}
    assert watch, "include/entra_logs/watch is empty"
    wrong = {
        name: by
        for name, by in _reached(modules, watch, "anywhere").items()
        if _below(name, {"include.entra_logs.graph"})
        or any(_below(other, {"airflow"}) for other in modules[name].anywhere)
    }
    assert wrong == {}


def test_the_emulator_is_no_part_of_the_product(modules: Modules) -> None:
    """No module of include/entra_logs imports the emulator, the demo or the pages."""
    others = {"include.graph_emulator", "include.demo", "include.lake_page", "include.bi"}
    wrong = [
        (m.name, other)
        for m in modules.values()
        if _below(m.name, {"include.entra_logs"})
        for other in m.anywhere
        if _below(other, others)
    ]
    assert wrong == []


def test_parsing_a_dag_loads_nothing_heavy(modules: Modules) -> None:
    """What `dags/` loads when Airflow parses it imports no data frame, client or store library."""
    dags = {name for name in modules if _below(name, {"dags"})}
    assert dags, "dags/ is empty"
    wrong = [
        (name, other)
        for name in _reached(modules, dags, "at_import")
        for other in modules[name].at_import
        if _below(other, HEAVY)
    ]
    assert wrong == []

"""The arrows of docs/design.md: who may import whom."""

from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any

import pytest

Modules = Mapping[str, Any]

OURS = "include.entra_logs"
FEATURES = {"include.lake_page", "include.bi", "include.demo"}
"""What can be taken out, with its DAG, and the rest still works."""
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


def _imports(modules: Modules, inside: set[str], forbidden: set[str]) -> list[tuple[str, str]]:
    """Who below `inside` imports, at any time and directly, what is below `forbidden`."""
    found = [m for m in modules.values() if _below(m.name, inside)]
    assert found, f"{inside} is empty"
    return [(m.name, other) for m in found for other in m.anywhere if _below(other, forbidden)]


def _rooms(*names: str) -> set[str]:
    return {f"{OURS}.{name}" for name in names}


def test_a_declaration_imports_the_declarations_alone(modules: Modules) -> None:
    """A file of the catalogue needs the declarations and the standard library's dates."""
    allowed = _rooms("api", "table", "workloads") | {"datetime"}
    files = [m for m in modules.values() if m.name.startswith(f"{OURS}.catalogue.")]
    assert len(files) >= 3
    assert [(m.name, n) for m in files for n in m.anywhere if not _below(n, allowed)] == []


@pytest.mark.parametrize(("one", "other"), [("graph", "lake"), ("lake", "graph")])
def test_graph_and_lake_do_not_know_each_other(modules: Modules, one: str, other: str) -> None:
    """What speaks to Graph and what touches storage are joined by `pipeline` alone."""
    inside = {name for name in modules if _below(name, _rooms(one))}
    assert inside, f"include/entra_logs/{one} is empty"
    wrong = {
        name: by
        for name, by in _reached(modules, inside, "anywhere").items()
        if _below(name, _rooms(other))
    }
    assert wrong == {}


def test_the_lake_is_storage_alone(modules: Modules) -> None:
    """What is stored knows keys and bytes: no table, no record, no event, no catalogue."""
    above = _rooms("normalise", "catalogue", "merge", "ledger", "proof", "schema", "metadata")
    assert _imports(modules, _rooms("lake"), above) == []


def test_tables_are_made_without_an_api(modules: Modules) -> None:
    """Columns, normalising, merging and proof need the table alone, whoever is asked for it."""
    inside = _rooms("schema", "normalise", "merge", "proof", "loading")
    assert _imports(modules, inside, _rooms("api.Api", "api.Schedule", "graph")) == []


def test_airflow_is_imported_in_its_folder_alone(modules: Modules) -> None:
    """All that imports Airflow lies in `airflow_side`."""
    wrong = _imports(modules, {OURS}, {"airflow"})
    assert [(name, n) for name, n in wrong if not _below(name, _rooms("airflow_side"))] == []


def test_graph_is_one_source_of_several(modules: Modules) -> None:
    """Only what makes a source of an Airflow connection knows which source it is."""
    wrong = _imports(modules, {OURS}, _rooms("graph"))
    allowed = _rooms("graph", "airflow_side.connections")
    assert [(name, n) for name, n in wrong if not _below(name, allowed)] == []


@pytest.mark.parametrize("room", ["pipeline", "watch", "proof", "docs"])
def test_these_run_without_airflow_and_graph(modules: Modules, room: str) -> None:
    """So a test runs a month in seconds, and the lake page shows what the alerts tell."""
    inside = {name for name in modules if _below(name, _rooms(room))}
    assert inside, f"include/entra_logs/{room} is empty"
    wrong = {
        name: by
        for name, by in _reached(modules, inside, "anywhere").items()
        if _below(name, _rooms("graph"))
        or any(_below(other, {"airflow"}) for other in modules[name].anywhere)
    }
    assert wrong == {}


def test_the_core_knows_no_feature(modules: Modules) -> None:
    """Pages, views, demo and emulator can be taken out: nothing of `entra_logs` names them."""
    assert _imports(modules, {OURS}, FEATURES | {"include.graph_emulator"}) == []


def test_the_emulator_knows_nobody(modules: Modules) -> None:
    """It is judged by clients that we did not write, so it shares nothing with ours."""
    wrong = _imports(modules, {"include.graph_emulator"}, {"include"})
    assert [(name, n) for name, n in wrong if not _below(n, {"include.graph_emulator"})] == []


def test_no_modules_import_each_other_in_a_circle(modules: Modules) -> None:
    """Whatever a module imports, and when, leads away from it; types count as well."""
    edges = {
        m.name: {n for n in m.anywhere | m.for_types if n in modules and n != m.name}
        for m in modules.values()
        if m.path.name != "__init__.py"
    }
    TopologicalSorter(edges).prepare()


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

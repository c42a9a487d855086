"""The compose file is valid, and everything that it names exists in the project."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner as TyperCli

from include.entra_logs.settings import PREFIX, Settings
from include.graph_emulator.__main__ import app as emulator_cli
from include.graph_emulator.serve import connection
from include.graph_emulator.settings import Settings as Emulated

ROOT = Path(__file__).resolve().parents[3]
INIT = ROOT / "docker" / "init.sh"
SECRET = re.compile(r"PASSWORD|SECRET|FERNET|REDISCLI_AUTH|SQL_ALCHEMY_CONN|RESULT_BACKEND|BROKER")
ONE_SHOT = {"airflow-init"}
FROM_PROVIDERS = {
    "celery": "apache-airflow-providers-celery",
    "fab": "apache-airflow-providers-fab",
}

Compose = dict[str, Any]
Run = Callable[[dict[str, str]], subprocess.CompletedProcess[str]]


def required(compose: Compose) -> set[str]:
    """The variables that the compose file cannot do without."""
    return set(re.findall(r"\$\{(\w+):\?", json.dumps(compose)))


def own_services(compose: Compose) -> dict[str, Any]:
    """The services that run the project's own image."""
    return {n: s for n, s in compose["services"].items() if s.get("build") == "."}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the installed Airflow knows: `options` as section.key, `commands` of its CLI."""
    code = (
        "import json; from airflow.configuration import conf; from airflow.cli import cli_config\n"
        "print('found:' + json.dumps({'commands': [c.name for c in cli_config.core_commands],"
        "'options': [f'{s}.{k}' for s, d in conf.configuration_description.items()"
        " for k in d['options']]}))"
    )
    home = tmp_path_factory.mktemp("airflow")
    environment = {"AIRFLOW_HOME": str(home), "PATH": "/usr/bin:/bin"}
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    line = next(line for line in printed.splitlines() if line.startswith("found:"))
    found: dict[str, list[str]] = json.loads(line.removeprefix("found:"))
    return found


def test_follows_the_compose_specification() -> None:
    """The file validates against the schema of the Compose specification."""
    checker = Path(sys.executable).with_name("check-jsonschema")
    schema = ["--builtin-schema", "vendor.compose-spec"]
    subprocess.run([checker, *schema, ROOT / "docker-compose.yaml"], check=True)


def test_is_accepted_by_compose(run_config: Run, make_env: Callable[..., dict[str, str]]) -> None:
    """docker-compose reads the file with the variables that docker/make-env.sh prints."""
    for options in ([], ["--demo"]):
        result = run_config(make_env(*options))
        assert result.returncode == 0, result.stderr


def test_a_missing_secret_stops_compose_with_its_remedy(
    compose: Compose, run_config: Run, make_env: Callable[..., dict[str, str]]
) -> None:
    """Without any one of the required variables nothing starts, and the message says what to do."""
    complete = make_env()
    assert required(compose) == set(complete)
    for name in sorted(complete):
        result = run_config({n: v for n, v in complete.items() if n != name})
        assert result.returncode != 0, f"started without {name}"
        assert "run docker/make-env.sh" in result.stderr


def test_no_secret_is_written_down(compose: Compose) -> None:
    """Whatever carries a secret takes it from a required variable."""
    found = [
        (service, name, value)
        for service, settings in compose["services"].items()
        for name, value in (settings.get("environment") or {}).items()
        if SECRET.search(name)
    ]
    assert len(found) > 20
    assert [place for place in found if not re.search(r"\$\{\w+:\?", place[2])] == []


def test_modules_that_it_runs_exist(compose: Compose) -> None:
    """Every `python -m` in the file or in init.sh names a module of the project that can be run."""
    text = json.dumps(compose).replace('", "', " ") + INIT.read_text(encoding="utf-8")
    modules = set(re.findall(r"python -m ([\w.]+)", text))
    assert modules == {"include.entra_logs.airflow_side.init", "include.graph_emulator"}
    for module in modules:
        spec = importlib.util.find_spec(module)
        assert spec is not None, module
        if spec.submodule_search_locations:
            assert importlib.util.find_spec(f"{module}.__main__"), module


def test_init_script_is_whole(compose: Compose) -> None:
    """The shell parses init.sh; the variables it wants are given; what it imports is installed."""
    subprocess.run(["bash", "-n", INIT], check=True)
    script = INIT.read_text(encoding="utf-8")
    service = compose["services"]["airflow-init"]
    assert service["command"][1] == "/opt/airflow/docker/init.sh"
    assert set(re.findall(r"\$\{(\w+)", script)) <= set(service["environment"])
    module = re.search(r"from ([\w.]+) import", script)
    assert module
    assert importlib.util.find_spec(module[1])


def test_the_password_is_no_argument(tmp_path: Path) -> None:
    """init.sh hands it over as Airflow's CLI asks for it: twice, by `getpass`, at no terminal."""
    told = tmp_path / "told"
    commands = {
        "airflow": f"""#!{sys.executable} -W ignore
import getpass, json, pathlib, sys
asked = [getpass.getpass(), getpass.getpass()]
pathlib.Path({str(told)!r}).write_text(json.dumps([sys.argv[1:], asked]))
""",
        "python": "#!/bin/sh\n",
    }
    for name, text in commands.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    secret = "a $b\\n%s 'c'"
    path = f"{tmp_path}:{os.environ['PATH']}"
    environment = {"PATH": path, "ADMIN_USER": "admin", "ADMIN_PASSWORD": secret}
    subprocess.run(["bash", INIT], check=True, env=environment, capture_output=True, timeout=60)
    arguments, asked = json.loads(told.read_text())
    assert asked == [secret, secret]
    assert secret not in arguments
    assert arguments[:4] == ["users", "create", "--role", "Admin"]


def test_passes_every_setting_on(compose: Compose) -> None:
    """Each ENTRA_ setting reaches every process of Airflow, and no name is misspelt."""
    settings = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    for name, service in own_services(compose).items():
        if name != "graph-emulator":
            assert {n for n in service["environment"] if n.startswith(PREFIX)} == settings, name


def test_names_options_that_airflow_has(compose: Compose, airflow: dict[str, list[str]]) -> None:
    """Every AIRFLOW__SECTION__KEY in the file is an option of the installed Airflow."""
    locked = (ROOT / "requirements-docker.lock").read_text(encoding="utf-8")
    names = {n for s in compose["services"].values() for n in s.get("environment") or {}}
    names = {name for name in names if name.startswith("AIRFLOW__")}
    assert len(names) > 10
    for name in names:
        _, section, key = name.lower().split("__")
        if section in FROM_PROVIDERS:
            assert FROM_PROVIDERS[section] + "==" in locked
        else:
            assert f"{section}.{key}" in airflow["options"], name


def test_runs_commands_that_airflow_has(compose: Compose, airflow: dict[str, list[str]]) -> None:
    """Every process of Airflow is started by a command of its CLI, each exactly once."""
    commands = [s["command"] for s in own_services(compose).values() if type(s["command"]) is str]
    wanted = {"api-server", "scheduler", "dag-processor", "triggerer", "celery worker"}
    assert sorted(commands) == sorted(wanted)
    assert {c for c in wanted if c != "celery worker"} <= set(airflow["commands"])


def test_paths_are_volumes_or_in_the_image(compose: Compose) -> None:
    """Volumes are declared, mounted where the image has a folder, and none is of the host."""
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for service in own_services(compose).values():
        for mount in service["volumes"]:
            volume, path = mount.split(":")[:2]
            assert volume in compose["volumes"]
            assert f"{path} " in image


def test_nothing_runs_as_root(compose: Compose) -> None:
    """Every service names a user that is not root, and can gain no rights."""
    for name, service in compose["services"].items():
        assert service["user"].split(":")[0] not in {"root", "0"}, name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_what_keeps_running_is_watched(compose: Compose) -> None:
    """Services that stay up have a health check; ports are published on loopback alone."""
    for name, service in compose["services"].items():
        if name not in ONE_SHOT:
            assert service["healthcheck"]["test"], name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port


def test_the_demo_connects_to_what_it_starts(
    compose: Compose, make_env: Callable[..., dict[str, str]]
) -> None:
    """The demo's connection is the one that the emulator, started so, would print."""
    command = compose["services"]["graph-emulator"]["command"]
    options = dict(option.removeprefix("--").split("=") for option in reversed(command[1:]))
    folder, port = Path(options["directory"]), options["port"]
    wanted = connection(f"{options['name']}:{port}", Emulated(), folder / "ca.pem")
    assert options["name"] == "graph-emulator"
    assert json.loads(make_env("--demo")["AIRFLOW_CONN_MSGRAPH_DEFAULT"]) == wanted
    parsed = TyperCli().invoke(emulator_cli, [*command, "--help"])
    assert parsed.exit_code == 0, parsed.output


def test_the_demo_needs_its_profile(compose: Compose) -> None:
    """Emulator and Azurite start with `--profile demo` and not without."""
    demo = {n for n, s in compose["services"].items() if s.get("profiles") == ["demo"]}
    assert demo == {"graph-emulator", "azurite"}

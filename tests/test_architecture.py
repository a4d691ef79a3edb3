"""The layout lets a newcomer find things: one spelling everywhere, no hidden ties."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from servicekit.metrics import VERSION
from tests.stack import REPOSITORY, SERVICES, compose

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())

# What two services share besides servicekit: the contract between them.
SHARED = {"site_checker": {"sites"}, "db_writer": {"sites"}}
PACKAGES = {*SERVICES, "servicekit", "sites", "demo"}


def imports(folder: Path) -> set[str]:
    """Return the top-level names that the modules of a folder import."""
    names = set()
    for module in folder.rglob("*.py"):
        if "tests" in module.parts:
            continue
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("service", SERVICES)
def test_service_has_the_same_shape_as_every_other(service: str):
    files = {path.name for path in (REPOSITORY / service).iterdir()}
    assert files >= {
        "Dockerfile",
        "README.md",
        "__init__.py",
        "__main__.py",
        "requirements.txt",
        "settings.py",
        "tests",
    }
    assert COMPOSE["services"][service]["image"] == f"belfry/{service}"


@pytest.mark.parametrize("service", SERVICES)
def test_service_imports_no_other_service(service: str):
    allowed = {service, "servicekit"} | SHARED.get(service, set())
    assert imports(REPOSITORY / service) & PACKAGES <= allowed


def test_only_the_mysql_module_of_servicekit_has_a_driver_in_it():
    drivers = {"pymysql", "psycopg", "kafka", "pika", "redis", "requests", "aiohttp"}
    for module in (REPOSITORY / "servicekit").glob("*.py"):
        used = {
            word
            for word in re.findall(
                r"^(?:import|from) (\w+)", module.read_text(), re.MULTILINE
            )
            if word in drivers
        }
        assert used == ({"pymysql"} if module.name == "mysql.py" else set())


@pytest.mark.parametrize("service", SERVICES)
def test_main_fits_on_a_screen(service: str):
    code = (REPOSITORY / service / "__main__.py").read_text().splitlines()
    assert len([line for line in code if line.strip()]) <= 50


@pytest.mark.parametrize("service", SERVICES)
def test_dockerfile_is_the_common_one(service: str):
    """Besides its name, a service may only add lines for what it alone needs."""
    common = (REPOSITORY / "host_exporter/Dockerfile").read_text()
    own = (REPOSITORY / service / "Dockerfile").read_text().splitlines()
    missing = [
        line
        for line in common.replace("host_exporter", service).splitlines()
        if line not in own
    ]
    assert not missing


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_long_running_service_has_a_health_check(name: str):
    service = COMPOSE["services"][name]
    dockerfile = service.get("build", {}).get("dockerfile")
    assert (
        "healthcheck" in service
        or service.get("restart") != "unless-stopped"
        or "HEALTHCHECK" in (REPOSITORY / dockerfile).read_text()
    )


def test_published_ports_are_bound_to_one_address_setting():
    for service in COMPOSE["services"].values():
        for port in service.get("ports", []):
            assert port.startswith("${BIND_ADDRESS}:")


def test_a_compose_file_of_your_own_may_add_to_every_service(tmp_path: Path):
    addition = {"environment": {"LOG_LEVEL": "DEBUG"}}
    override = tmp_path / "docker-compose.override.yml"
    override.write_text(
        yaml.safe_dump({"services": dict.fromkeys(COMPOSE["services"], addition)})
    )
    compose("-f", "docker-compose.yml", "-f", str(override), "config", "--quiet")


def test_every_service_is_scraped_under_its_own_name():
    config = yaml.safe_load((REPOSITORY / "prometheus/prometheus.yml").read_text())
    jobs = {
        job["job_name"]: job["static_configs"][0]["targets"][0].split(":")[0]
        for job in config["scrape_configs"]
        if job["job_name"] != "prometheus"
    }
    assert all(job == host for job, host in jobs.items())
    assert set(SERVICES) <= set(jobs)


@pytest.mark.parametrize("service", SERVICES)
def test_lock_holds_every_dependency_with_hashes(service: str):
    lock = (REPOSITORY / service / "requirements.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", lock, re.MULTILINE))
    assert direct_dependencies(service) <= pinned
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock


def direct_dependencies(group: str) -> set[str]:
    """Return the packages that a dependency group names, those it includes too."""
    names = set()
    for entry in PYPROJECT["dependency-groups"][group]:
        if isinstance(entry, dict):
            names |= direct_dependencies(entry["include-group"])
        else:
            names.add(re.match(r"[a-z0-9.-]+", entry)[0])
    return names


def test_version_is_the_same_everywhere():
    assert PYPROJECT["project"]["version"] == VERSION
    assert f"## [{VERSION}]" in (REPOSITORY / "CHANGELOG.md").read_text()


# What the modules of a folder of rsync_exporter may know of its other folders.
LAYERS = {
    "rsyncd": {"rsyncd"},
    "tail": {"tail"},
    "sessions": {"sessions", "rsyncd", "tail.chunk"},
}


@pytest.mark.parametrize(("layer", "allowed"), LAYERS.items())
def test_rsync_exporter_keeps_its_layers_apart(layer: str, allowed: set[str]):
    prefix = "rsync_exporter."
    for module in (REPOSITORY / "rsync_exporter" / layer).glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            name = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if name.startswith(prefix):
                name = name.removeprefix(prefix)
                assert {name, name.split(".")[0]} & allowed, module

"""The documentation tells the truth: its tables, links and commands are tried."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from servicekit.settings import declared
from tests.stack import REPOSITORY, SERVICES, eventually, execute, get

README = (REPOSITORY / "README.md").read_text()
COMPOSE_TEXT = (REPOSITORY / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
READMES = [
    path
    for path in REPOSITORY.rglob("*.md")
    if not any(part.startswith(".") for part in path.relative_to(REPOSITORY).parts)
]


def table(text: str, first_header: str) -> Iterator[list[str]]:
    """Yield the rows of every table whose first column has this header."""
    header = re.compile(rf"\| *{first_header} *\|")
    lines = iter(text.splitlines())
    for line in lines:
        if header.match(line):
            next(lines)
            for row in lines:
                if not row.startswith("|"):
                    break
                yield [cell.strip() for cell in row.strip("|").split("|")]


def names(text: str, first_header: str) -> set[str]:
    """Return what stands first, in backticks, in each row of a table."""
    return {
        match[1]
        for row in table(text, first_header)
        if (match := re.match(r"`(\w+)", row[0]))
    }


@pytest.mark.parametrize("path", READMES, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_links_lead_somewhere(path: Path):
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text())
    missing = [
        link
        for link in links
        if "://" not in link and not (path.parent / link).exists()
    ]
    assert not missing


def test_readme_and_makefile_have_the_same_targets():
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]+)", README)) >= targets - {"help"}
    shown = set(re.findall(r"^    make ([a-z-]+)", README, re.MULTILINE))
    assert shown <= targets


def test_table_of_parts_is_the_compose_file():
    rows = list(table(README, "service"))
    named = {
        name for row in rows for name in re.findall(r"[a-z_]{4,}", row[0].split("]")[0])
    }
    assert named == set(COMPOSE["services"]) - {"log_folders"}
    for row in rows:
        service = re.findall(r"[a-z_]{4,}", row[0])[0]
        published = {
            port.split(":")[1] for port in COMPOSE["services"][service].get("ports", [])
        }
        assert published <= set(re.findall(r"\d{4,5}", row[1]))


def test_settings_of_the_stack_exist():
    known = set(re.findall(r"\$\{(\w+)", COMPOSE_TEXT))
    known |= set(
        re.findall(r"^(\w+)=", (REPOSITORY / ".env").read_text(), re.MULTILINE)
    )
    assert names(README, "setting") <= known


@pytest.mark.parametrize("service", SERVICES)
def test_settings_table_is_the_dataclass(service: str):
    settings = importlib.import_module(f"{service}.settings").Settings
    text = (REPOSITORY / service / "README.md").read_text()
    assert names(text, "setting") == {details.env for _, details in declared(settings)}
    rows = {
        match[1]: row
        for row in table(text, "setting")
        if (match := re.match(r"`(\w+)", row[0]))
    }
    for _, details in declared(settings):
        if details.default and not details.secret:
            assert f"`{details.default}`" in rows[details.env][1], details.env


@pytest.mark.stack
@pytest.mark.parametrize("service", SERVICES)
def test_metrics_table_is_what_the_service_serves(service: str):
    text = (REPOSITORY / service / "README.md").read_text()
    documented = {name.removesuffix("_total") for name in names(text, "metric")}
    served = {name.removesuffix("_total") for name in own_metrics(service)}
    assert documented == served


def own_metrics(service: str) -> set[str]:
    """Return the metric families that a running service serves of itself."""
    script = (
        "import urllib.request, servicekit.web as web;"
        "port = web.PORT_FILE.read_text();"
        f"path = '/metrics/self' if '{service}' == 'exporter_proxy' else '/metrics';"
        "url = f'http://127.0.0.1:{port}{path}';"
        "print(urllib.request.urlopen(url, timeout=10).read().decode())"
    )
    done = execute("docker", "compose", "exec", "-T", service, "python", "-c", script)
    assert done.returncode == 0, done.stderr
    families = re.findall(r"^# TYPE (\w+) ", done.stdout, re.MULTILINE)
    return {name for name in families if not name.endswith("_created")}


@pytest.mark.stack
@pytest.mark.parametrize(
    "command",
    re.findall(r"^    (curl localhost.*|docker-compose exec .*)", README, re.MULTILINE),
)
def test_command_of_the_readme_works(command: str):
    done = execute("sh", "-c", command.replace("curl ", "curl --fail --silent "))
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.stack
@pytest.mark.parametrize("url", re.findall(r"<http://localhost(:.*)>", README))
def test_address_of_the_readme_answers(url: str):
    port, path = re.fullmatch(r":(\d+)(.*)", url).groups()
    status, _ = eventually(lambda: get(int(port), path), 30)
    assert status == 200

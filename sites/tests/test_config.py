"""config.yaml: the original's files work, and every mistake is told with its place."""

from pathlib import Path

import pytest

from servicekit import SettingsError
from sites import config

ORIGINAL = """
kafka:
  connect:
    bootstrap_servers: kafka.example.com:12345
    security_protocol: SSL
    ssl_cafile: ca.pem
    ssl_certfile: service.cert
    ssl_keyfile: service.key
  topic: sites
postgresql_uri: postgres://user:secret@pg.example.com:12345/db?sslmode=require
redis_uri: rediss://default:secret@redis.example.com:12345
checks:
  - url: https://example.com
  - url: http://example.com
    expected_code: 302
  - url: https://example.com/news
    regexp: "Breaking.*news"
    check_period: 10
"""


def read(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return config.read(path)


def problems(contents: object) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        config.parse(contents, "config.yaml")
    return caught.value.problems


def valid(**changes: object) -> dict[str, object]:
    return {
        "kafka": {"connect": {"bootstrap_servers": "kafka:9092"}, "topic": "sites"},
        "checks": [{"url": "http://www.demo/"}],
    } | changes


def test_an_original_file_works_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ca.pem", "service.cert", "service.key"):
        Path(name).touch()
    read_config = read(tmp_path, ORIGINAL)
    assert read_config.kafka.connect["ssl_keyfile"] == "service.key"
    assert read_config.kafka.topic == "sites"
    assert read_config.redis_uri == "rediss://default:secret@redis.example.com:12345"
    assert read_config.postgresql_uri is not None
    plain, moved, news = read_config.checks
    assert (plain.expected_code, plain.regexp, plain.check_period) == (200, "", 60)
    assert moved.expected_code == 302
    assert (news.regexp, news.check_period) == ("Breaking.*news", 10)


def test_every_problem_is_told_at_once_with_its_place() -> None:
    wrong = {
        "kafka": {"connect": {"bootstrap_server": "kafka:9092"}, "topic": "no spaces"},
        "redis_uri": "http://secret-place",
        "chekcs": [],
        "checks": [
            {"url": "http://www.demo/"},
            {"expected_code": 200},
            {"url": "ftp://www.demo/", "expected_code": "OK", "check_period": 0},
            {"url": "http://www.demo:99999/", "regexp": "(unclosed", "regex": "x"},
            "http://www.demo/",
        ],
    }
    told = problems(wrong)
    assert [line.removeprefix("config.yaml: ").split(": ")[0] for line in told] == [
        "kafka.connect",
        "kafka.topic",
        "redis_uri",
        "checks.1.url",
        "checks.2.url",
        "checks.2.expected_code",
        "checks.2.check_period",
        "checks.3.url",
        "checks.3.regexp",
        "checks.3.regex",
        "checks.4",
        "chekcs",
    ]
    assert told[0].endswith("unknown keyword of the Kafka client: bootstrap_server")
    assert told[3].endswith("checks.1.url: required")
    assert told[9].endswith("checks.3.regex: unknown key")
    assert not any("secret-place" in line for line in told)


@pytest.mark.parametrize("regexp", [r"(a)\1", "(?=a)", "(?<!a)b", "x{1001}"])
def test_an_expression_that_could_hang_is_refused(regexp: str) -> None:
    [line] = problems(valid(checks=[{"url": "http://www.demo/", "regexp": regexp}]))
    assert line.startswith(
        "config.yaml: checks.0.regexp: not a regular expression of RE2: "
    )


def test_a_misspelt_protocol_is_refused_and_not_taken_for_no_protection() -> None:
    connect = {"bootstrap_servers": "kafka:9092", "security_protocol": "SLL"}
    [line] = problems(valid(kafka={"connect": connect, "topic": "sites"}))
    assert line == (
        "config.yaml: kafka.connect: security_protocol: "
        "expected one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"
    )


def test_a_repeated_check_is_refused_whatever_its_period() -> None:
    page = {"url": "http://www.demo/"}
    [line] = problems(
        valid(checks=[page, page | {"regexp": "x"}, page | {"check_period": 5}])
    )
    assert line == (
        "config.yaml: checks.2: the same url, expected_code and regexp as checks.0"
    )


def test_a_file_without_checks_is_refused() -> None:
    assert problems(valid(checks=[])) == (
        "config.yaml: checks: expected at least one check",
    )


@pytest.mark.parametrize("contents", [None, [], "text", 5])
def test_a_file_without_keys_is_one_problem(contents: object) -> None:
    assert problems(contents) == ("config.yaml: expected keys and values",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("checks: [", "not YAML"), ("\x00", "not YAML"), ("a: *b", "not YAML")],
)
def test_a_file_that_is_no_yaml_is_one_line(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    [line] = caught.value.problems
    assert line.startswith(f"{tmp_path}/config.yaml: {reason}")
    assert "\n" not in line


def test_every_absent_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, ORIGINAL)
    assert [line.split(": ", 1)[1] for line in caught.value.problems] == [
        "kafka.connect.ssl_cafile: no such file: ca.pem",
        "kafka.connect.ssl_certfile: no such file: service.cert",
        "kafka.connect.ssl_keyfile: no such file: service.key",
    ]


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read: No such file or directory"):
        config.read(tmp_path / "absent.yaml")


def test_a_misspelt_security_protocol_is_no_plain_connection() -> None:
    connect = {"bootstrap_servers": "kafka:9093", "security_protocol": "TLS"}
    assert problems(valid(kafka={"connect": connect, "topic": "sites"})) == (
        "config.yaml: kafka.connect: security_protocol: expected one of"
        " PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
    )

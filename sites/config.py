"""The file ``config.yaml``: its shape, and every problem with it at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

import re2
import yaml
from kafka import KafkaConsumer, KafkaProducer
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from servicekit import SettingsError
from sites.result import MAX_URL_CHARACTERS, Text, check_key

# What both clients take: how to connect, but not how each of them then works.
_CONNECT_KEYWORDS = (
    KafkaProducer.DEFAULT_CONFIG.keys() & KafkaConsumer.DEFAULT_CONFIG.keys()
)

# The library takes any other word for the first, and would show secrets to everyone.
_SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError when it is none
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected a URL starting with http:// or https://")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("must not contain blanks or control characters")
    if not parts.hostname.isascii():
        _ = parts.hostname.encode("idna")  # raises ValueError when it cannot be one
    return url


@cache
def search(regexp: str) -> Callable[[bytes], object]:
    """Return a search of bytes for the expression, in time linear in their number.

    It returns None where the expression is not found.

    Raises ValueError saying what is wrong with it.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return cast("Callable[[bytes], object]", re2.compile(regexp, options).search)
    except re2.error as error:
        [reason] = error.args
        raise ValueError(
            f"not a regular expression of RE2: {reason.decode(errors='replace')}"
        ) from error


def _compiled(regexp: str) -> str:
    search(regexp)
    return regexp


def _server_address(*schemes: str) -> AfterValidator:
    def check(uri: str) -> str:
        if urlsplit(uri).scheme not in schemes:
            expected = " or ".join(f"{scheme}://" for scheme in schemes)
            raise ValueError(f"expected a URI starting with {expected}")
        return uri

    return AfterValidator(check)


def _kafka_keywords(connect: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(connect.keys() - _CONNECT_KEYWORDS):
        raise ValueError(f"unknown keyword of the Kafka client: {', '.join(unknown)}")
    protocol = connect.get("security_protocol", _SECURITY_PROTOCOLS[0])
    if protocol not in _SECURITY_PROTOCOLS:
        raise ValueError(
            f"security_protocol: expected one of {', '.join(_SECURITY_PROTOCOLS)}"
        )
    return connect


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kafka(_Section):
    """Where the results travel.

    connect: keywords of kafka-python's clients that say how to connect.
    """

    connect: Annotated[dict[str, Any], AfterValidator(_kafka_keywords)]
    topic: str = Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")


class Check(_Section):
    """A page that is requested every ``check_period`` seconds, and what it must answer.

    regexp: where given, it must match the body, and the response code is ignored.
    timeout_seconds: for the whole check, from the name look-up to the last byte.
    """

    url: Annotated[
        Text, Field(max_length=MAX_URL_CHARACTERS), AfterValidator(_web_address)
    ]
    expected_code: int = Field(default=200, ge=100, le=999)
    regexp: Annotated[Text, Field(max_length=4096), AfterValidator(_compiled)] = ""
    check_period: float = Field(default=60, ge=1, le=31_536_000)
    timeout_seconds: float = Field(default=10, ge=0.1, le=300)
    max_body_bytes: int = Field(default=2**20, ge=1, le=2**26)

    @property
    def key(self) -> str:
        """The check's identity, the same in every process that knows its definition."""
        return check_key(self.url, self.expected_code, self.regexp)


def _not_empty(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    if not checks:
        raise ValueError("expected at least one check")
    return checks


class Config(_Section):
    """The whole file. Each service asks for the servers that it needs itself."""

    kafka: Kafka
    postgresql_uri: Annotated[str, _server_address("postgresql", "postgres")] | None = (
        None
    )
    redis_uri: Annotated[str, _server_address("redis", "rediss", "unix")] | None = None
    checks: Annotated[tuple[Check, ...], AfterValidator(_not_empty)]


def read(path: Path) -> Config:
    """Return the checked contents of the file.

    Raises SettingsError with a line for each problem, naming its place in the file.
    """
    try:
        contents = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise SettingsError([f"{path}: cannot read: {error.strerror}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(
            [f"{path}: not YAML: {' '.join(str(error).split())}"]
        ) from error
    config = parse(contents, str(path))
    if absent := list(_absent_files(config.kafka.connect)):
        raise SettingsError([f"{path}: {problem}" for problem in absent])
    return config


def _absent_files(connect: Mapping[str, Any]) -> Iterator[str]:
    for keyword in ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_crlfile"):
        if (file := connect.get(keyword)) and not Path(file).is_file():
            yield f"kafka.connect.{keyword}: no such file: {file}"


def parse(contents: object, name: str) -> Config:
    """Return the checked contents; ``name`` is what problems call the file.

    Raises SettingsError as ``read`` does.
    """
    try:
        config = Config.model_validate(contents)
    except ValidationError as error:
        problems = map(_told, error.errors(include_url=False))
        raise SettingsError([f"{name}: {problem}" for problem in problems]) from error
    if repeated := list(_repeated(config.checks)):
        raise SettingsError([f"{name}: {problem}" for problem in repeated])
    return config


def _repeated(checks: Sequence[Check]) -> Iterator[str]:
    first: dict[str, int] = {}
    for place, check in enumerate(checks):
        earlier = first.setdefault(check.key, place)
        if earlier != place:
            same = "the same url, expected_code and regexp"
            yield f"checks.{place}: {same} as checks.{earlier}"


def _told(problem: ErrorDetails) -> str:
    place = ".".join(map(str, problem["loc"]))
    match problem["type"]:
        case "missing":
            message = "required"
        case "extra_forbidden":
            message = "unknown key"
        case "model_type":
            message = "expected keys and values"
        case _:
            message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message

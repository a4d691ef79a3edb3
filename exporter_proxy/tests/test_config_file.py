"""The configuration file: the original's works as it is, mistakes are told at once."""

import logging
import os
from pathlib import Path

import pytest

from exporter_proxy.config import Address, read
from servicekit import SettingsError

ORIGINAL = """
[exporter]
worker_threads = 4
concurrent_requests = 2048
scrape_expose_endpoint = "0.0.0.0:6555"

[receiver]
format = "json"
receive_on_unix_socket = true
receiver_unix_socket = "/var/run/exporter-proxy-receiver.sock"
unix_socket_user = "current_user"
unix_socket_group = "current_group"
receive_on_tcp_socket = true
receiver_tcp_socket = "127.0.0.1:6554"

[poll_external]
poll_other_scrape_endpoints = true
other_scrape_endpoints = ["http://127.0.0.1:9100/metrics", "https://[::1]:9101/metrics/"]
allow_invalid_certs = true
poll_interval = 5
client_timeout = 2
"""


def config_file(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as error:
        read(path)
    return error.value.problems


def test_an_original_file_is_understood(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    config = read(config_file(tmp_path, ORIGINAL))

    assert config.exporter.scrape_expose_endpoint == Address("0.0.0.0", 6555)
    assert config.exporter.concurrent_requests == 2048
    assert config.receiver.format == "json"
    assert config.receiver.receive_on_unix_socket
    assert config.receiver.receiver_tcp_socket == Address("127.0.0.1", 6554)
    assert config.poll_external.other_scrape_endpoints == (
        "http://127.0.0.1:9100/metrics",
        "https://[::1]:9101/metrics/",
    )
    assert config.poll_external.allow_invalid_certs
    assert config.poll_external.client_timeout == 2
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "exporter.worker_threads" in record.getMessage()


def test_the_stack_s_own_file_is_understood():
    config = read(Path(__file__).parents[1] / "config.toml")

    assert config.receiver.format == "any"
    assert config.receiver.receiver_tcp_socket == Address("0.0.0.0", 6554)


@pytest.mark.parametrize("text", [None, "", "[receiver]"])
def test_the_defaults_keep_strangers_out_and_certificates_checked(
    tmp_path: Path, text: str | None
):
    config = read(None if text is None else config_file(tmp_path, text))

    assert config.receiver.receiver_tcp_socket == Address("127.0.0.1", 6554)
    assert config.receiver.receive_on_tcp_socket
    assert not config.receiver.receive_on_unix_socket
    assert not config.poll_external.allow_invalid_certs


def test_every_problem_is_told_at_once(tmp_path: Path):
    path = config_file(
        tmp_path,
        """
        top = 1
        [exporter]
        concurrent_requests = 0
        colour = "red"
        [receiver]
        format = "xml"
        receiver_tcp_socket = "6554"
        unix_socket_user = "nobody-of-that-name"
        [poll_external]
        other_scrape_endpoints = ["ftp://host/metrics"]
        client_timeout = "soon"
        """,
    )

    told = "\n".join(problems(path))

    assert told.count("\n") == 7
    for key in (
        "top: no such key",
        "exporter.colour: no such key",
        "exporter.concurrent_requests: expected a whole number",
        "receiver.format: expected one of any, json, capnp",
        "receiver.receiver_tcp_socket: expected host:port",
        "receiver.unix_socket_user: expected current_user, a name",
        "poll_external.other_scrape_endpoints: expected a URL starting with http:// or"
        " https:// as entry 1, got (hidden)",
        "poll_external.client_timeout: expected seconds",
    ):
        assert f"{path}: {key}" in told


def test_a_file_that_is_not_there_or_no_toml_is_one_clear_line(tmp_path: Path):
    assert "No such file" in problems(tmp_path / "none.toml")[0]
    assert "line 2" in problems(config_file(tmp_path, "\n=1"))[0]
    (tmp_path / "latin").write_bytes(b"# \xe9")
    assert "cannot read" in problems(tmp_path / "latin")[0]


def test_a_list_with_more_than_tables_is_one_clear_line(tmp_path: Path):
    text = 'poll_external.target = [{url = "http://db/"}, 3]'

    [problem] = problems(config_file(tmp_path, text))

    assert "expected tables, each headed [[poll_external.target]]" in problem


def test_keys_that_need_each_other_are_told_at_once(tmp_path: Path):
    path = config_file(
        tmp_path,
        "receiver.tls = true\n"
        "receiver.require_client_certificate = true\n"
        "access.push.require_client_certificate = true\n"
        "access.admin.require_client_certificate = true\n",
    )

    assert problems(path) == (
        f"{path}: access.push.require_client_certificate: needs exporter.tls = true",
        f"{path}: access.admin.require_client_certificate: needs exporter.tls = true",
        f"{path}: tls.certificate: needed wherever tls = true",
        f"{path}: tls.client_ca: needed wherever clients must show a certificate",
    )


def test_the_files_of_certificates_are_looked_into(tmp_path: Path):
    (tmp_path / "server.pem").write_text("not a certificate")
    path = config_file(
        tmp_path,
        "exporter.tls = true\n"
        f'tls.certificate = "{tmp_path}/server.pem"\n'
        f'tls.key = "{tmp_path}/server.key"\n'
        f'tls.client_ca = "{tmp_path}/client_ca.pem"\n'
        "access.push.require_client_certificate = true\n",
    )

    assert problems(path) == (
        f"{path}: tls.key: {tmp_path}/server.key: cannot read it: "
        "No such file or directory",
        f"{path}: tls.client_ca: {tmp_path}/client_ca.pem: cannot read it: "
        "No such file or directory",
    )


def test_files_of_certificates_are_left_alone_without_tls(tmp_path: Path):
    path = config_file(tmp_path, 'tls.certificate = "/nowhere"')

    assert read(path).tls.certificate == Path("/nowhere")


def test_owners_may_be_numbers_or_names(tmp_path: Path):
    text = '[receiver]\nunix_socket_user = "root"\nunix_socket_group = 12'

    receiver = read(config_file(tmp_path, text)).receiver

    assert (receiver.unix_socket_user, receiver.unix_socket_group) == (0, 12)
    assert os.fspath(receiver.receiver_unix_socket).startswith("/var/run")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[::]:80", "[::]:80"),
        ("localhost:80", "localhost:80"),
        ("1.2.3.4:5", "1.2.3.4:5"),
    ],
)
def test_addresses_are_shown_as_they_are_written(tmp_path: Path, text: str, shown: str):
    path = config_file(tmp_path, f'[exporter]\nscrape_expose_endpoint = "{text}"')

    assert str(read(path).exporter.scrape_expose_endpoint) == shown


@pytest.mark.parametrize(
    "url", ["redis://redis:6379/0", "rediss://me:word@redis", "unix:///run/redis.sock"]
)
def test_redis_is_reached_by_tcp_tls_or_unix_socket(tmp_path: Path, url: str):
    config = read(config_file(tmp_path, f'store.redis_url = "{url}"'))

    assert config.store.redis_url == url


@pytest.mark.parametrize("url", ["http://redis", "redis://", "unix://", "redis"])
def test_what_is_no_redis_url_is_told(tmp_path: Path, url: str):
    path = config_file(tmp_path, f'store.redis_url = "{url}"')

    assert "store.redis_url: expected" in problems(path)[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "expected at least one network; 0.0.0.0/0 and ::/0 are all"),
        ('["10.0.0.1/8"]', "(10.0.0.1/8 has host bits set)"),
        ('["::1", "here"]', "('here' does not appear to be an IPv4 or IPv6 network)"),
    ],
)
def test_networks_that_are_none_are_told(tmp_path: Path, text: str, problem: str):
    [told] = problems(config_file(tmp_path, f"[access.admin]\nallow = {text}"))

    assert "access.admin.allow: " in told
    assert problem in told

"""Targets as the configuration names them."""

from pathlib import Path

import pytest

from exporter_proxy.poll.target import Target, targets
from exporter_proxy.tests.configuring import configured
from exporter_proxy.tests.polling import target


def test_a_table_counts_more_than_the_list(tmp_path: Path):
    found = targets(
        configured(
            tmp_path,
            """
            [poll_external]
            other_scrape_endpoints = ["http://db/a", "http://db/b", "http://db/a"]
            [[poll_external.target]]
            url = "http://db/b"
            poll_interval = 60
            client_timeout = 9
            allow_invalid_certs = true
            [[poll_external.target]]
            url = "https://[::1]:9104/c"
            """,
        )
    )

    assert list(found.values()) == [
        Target("http://db/a", 5, 2, verify=True, max_bytes=2**24),
        Target("http://db/b", 60, 9, verify=False, max_bytes=2**24),
        Target("https://[::1]:9104/c", 5, 2, verify=True, max_bytes=2**24),
    ]
    assert [each.source for each in found.values()] == [
        "external_poll: db:80",
        "external_poll: db:80",
        "external_poll: [::1]:9104",
    ]


def test_of_a_target_named_twice_the_last_table_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    table = '[[poll_external.target]]\nurl = "http://{}db/"\npoll_interval = {}\n'
    found = targets(
        configured(tmp_path, table.format("user:secret@", 1) + table.format("", 2))
    )

    assert [each.interval for each in found.values()] == [2]
    assert caplog.messages == [
        "target named twice, its last table counts url=http://db/"
    ]


def test_nothing_is_polled_when_polling_is_off(tmp_path: Path):
    text = """
        poll_external.poll_other_scrape_endpoints = false
        poll_external.other_scrape_endpoints = ["http://db/a"]
    """
    assert targets(configured(tmp_path, text)) == {}


def test_a_login_is_part_of_no_text():
    wanted = target("http://user:secret@db:9104/metrics?a=b")

    assert wanted.name == "http://db:9104/metrics?a=b"
    assert "secret" not in f"{wanted} {wanted!r} {wanted.name} {wanted.source}"

"""The page /apps, as people see it."""

from exporter_proxy.exposition.body import Reader
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.serve.table import apps_page
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.catalogue import Catalogue

NOON = 1_795_262_400.0


def test_the_page_shows_who_sends_what():
    clock = iter((NOON - 3, NOON - 2, NOON - 1)).__next__
    applications, catalogue = Applications(clock), Catalogue()
    applications.expect("http://db:9104/metrics", "external_poll: db:9104")
    applications.accepted("shop", "10.0.0.7:41000", 3)
    applications.refused("shop", "10.0.0.7:41002", "line 1: not a number: a x")
    applications.accepted("mailer", "/run/receiver.sock", 1)
    catalogue.replace("shop", Reader(Rules()).read(b"# TYPE a gauge\na 1").families)
    catalogue.replace("mailer", Reader(Rules()).read(b"a 1").families)

    page = apps_page(applications, catalogue, NOON)

    lines = page.splitlines()
    assert lines[0] == "Current time: 2026-11-21 12:00:00 UTC"
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[3:]]
    assert [row for row in cells if row] == [
        ["application", "last update (UTC)", "source", "state", "series", "remarks"],
        [
            "http://db:9104/metrics",
            "never",
            "external_poll: db:9104",
            "waiting",
            "0",
            "",
        ],
        [
            "mailer",
            "2026-11-21 11:59:58",
            "/run/receiver.sock",
            "ok",
            "1",
            "left out, clashing with another application: a",
        ],
        [
            "shop",
            "2026-11-21 11:59:57",
            "10.0.0.7:41002",
            "failing",
            "3",
            "line 1: not a number: a x",
        ],
    ]
    assert len({len(line) for line in lines[2:]}) == 1


def test_what_others_sent_cannot_forge_a_row():
    applications = Applications(lambda: NOON)
    applications.refused("shop", "here", "line 1: bad: \n| forged | \x1b[2J")

    page = apps_page(applications, Catalogue(), NOON)

    assert r"\n| forged | \x1b[2J" in page
    assert len(page.splitlines()) == 7

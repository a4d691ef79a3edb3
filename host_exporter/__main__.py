"""What host_exporter is made of."""

import sys
from collections.abc import Iterator

import pymysql
from prometheus_client import CollectorRegistry

import host_exporter
from host_exporter.connections import count_by_host
from host_exporter.exporter import Exporter
from host_exporter.settings import Settings
from servicekit import Health, Service, Stop, serve
from servicekit.metrics import add_build_info
from servicekit.mysql import connect

NAME, ABOUT = "host_exporter", host_exporter.__doc__ or ""


def run(settings: Settings, stop: Stop) -> None:
    """Serve the counts until stopped."""
    registry, health = CollectorRegistry(), Health()
    add_build_info(NAME, registry)
    with serve(NAME, ABOUT, settings.metrics_port, registry, health):
        Exporter(settings, registry, health, stop).run()


def check(settings: Settings) -> Iterator[str]:
    """Try the login and the query."""
    try:
        with connect(settings) as connection:
            count_by_host(connection)
    except pymysql.MySQLError as error:
        yield f"MYSQL_HOST {settings.mysql_host}: {error}"


service = Service(NAME, ABOUT, Settings, run, check)

if __name__ == "__main__":
    sys.exit(service.main())

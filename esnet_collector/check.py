"""What would keep the collector from working: each server tried once."""

from collections.abc import Iterator
from contextlib import closing

import pika
import pymysql
from pika.exceptions import AMQPError
from prometheus_client import CollectorRegistry

from esnet_collector.broker import connection_parameters, silence_pika
from esnet_collector.metrics import Metrics
from esnet_collector.netbeam import Netbeam
from esnet_collector.reasons import explain
from esnet_collector.replies import Outcome
from esnet_collector.settings import Settings
from esnet_collector.store import OPEN_NAMES
from servicekit import Stop
from servicekit.mysql import connect


def check(settings: Settings) -> Iterator[str]:
    """Yield a line for each server that does not answer as it should."""
    yield from _check_source(settings)
    silence_pika()
    try:
        pika.BlockingConnection(connection_parameters(settings)).close()
    except (AMQPError, OSError) as error:
        yield f"RMQ_HOST {settings.rmq_host}: {explain(error)}"
    try:
        with connect(settings) as connection, connection.cursor() as cursor:
            cursor.execute(OPEN_NAMES)
    except pymysql.MySQLError as error:
        yield f"MYSQL_HOST {settings.mysql_host}: {error}"


def _check_source(settings: Settings) -> Iterator[str]:
    with closing(Netbeam(settings, Metrics(CollectorRegistry(), ()), Stop())) as source:
        reply = source.interfaces()
    if reply.outcome is not Outcome.OK:
        yield f"NETBEAM_URL {settings.netbeam_url}: {reply.reason or 'no interfaces'}"

"""The connections table: how often each host was connected to."""

from pymysql.connections import Connection

COUNT_BY_HOST = "SELECT host, COUNT(*) FROM connections GROUP BY host"


def count_by_host(connection: Connection) -> dict[str, int]:
    """Return the number of connections recorded for each destination host."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_BY_HOST)
        counts = {str(host): int(count) for host, count in cursor.fetchall()}
    # Ends the transaction, or the next query would read the same old snapshot again.
    connection.rollback()
    return counts

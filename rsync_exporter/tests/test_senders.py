"""Several daemons that are heard at one address are told apart."""

from rsync_exporter.sessions.account import Account
from rsync_exporter.tail.chunk import Chunk
from rsync_exporter.tests.telling import IN_UTC

SENDERS = (b"192.0.2.7", b"192.0.2.8")


def hear(account: Account, *datagrams: bytes) -> None:
    """Have each sender send these."""
    for sender in SENDERS:
        account.add(
            Chunk("syslog", -2, datagrams, ends=True, source=sender, is_framed=True)
        )


def test_no_message_goes_on_in_another_datagram():
    account = Account(IN_UTC)
    unended = b"<30>Nov 21 20:58:51 h1 rsyncd[5]: rsync on m/a\nname"
    other = b"<30>Nov 21 20:58:52 h2 rsyncd[6]: connect from h (192.0.2.1)"
    hear(account, unended, other)
    ledger = account.totals().ledger
    assert ledger.connections == len(SENDERS)
    assert ledger.lines["syslog", "joined"] == 0


def test_their_processes_may_have_the_same_numbers():
    account = Account(IN_UTC)
    start = b"2026/11/21 20:55:45 [5] "
    hear(account, start + b"connect from h (192.0.2.1)")
    hear(account, start + b"rsync on m/ from h (192.0.2.1)")
    hear(account, start + b"sent 1 bytes  received 2 bytes  total size 3")
    account.finish()
    assert account.totals().ledger.sessions["m", "pull", "ok"] == len(SENDERS)

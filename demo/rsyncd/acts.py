"""What a client may do, and what may befall it: the words of the table of visits."""

import signal
import socket
from collections.abc import Callable

from demo.rsyncd.client import HOST, PATIENCE_SECONDS, Client, Run

HALF_WAY_SECONDS = 2.0

# First the buffers between the two fill, then the daemon waits for two seconds, and it
# looks at the clock only now and then.
STALL_SECONDS = 8.0

type Act = Callable[[Client], object]
type Turn = Callable[[Client, Run], object]


def rsync(command: str, user: str = "", password: str = "") -> Act:
    """Run rsync to its end."""
    return lambda client: client.run(command, user, password)


def midway(command: str, turn: Turn) -> Act:
    """Run rsync, and let something happen once the first file is under way."""

    def act(client: Client) -> None:
        with client.start(command) as run:
            client.until(lambda: run.has_begun() or run.has_ended())
            turn(client, run)
            client.until(run.has_ended)

    return act


def knock(client: Client) -> None:
    """Connect, listen to the greeting and leave, as a port scan does."""
    address = (HOST, client.port)
    with (
        socket.create_connection(address, PATIENCE_SECONDS) as daemon,
        daemon.makefile("rb") as greeting,
    ):
        # Leaving in the midst of it would be an error, and logged as one.
        greeting.readline()


def killed(client: Client, run: Run) -> None:
    """Lose the client, as a power cut does."""
    client.pause(HALF_WAY_SECONDS)
    run.send(signal.SIGKILL)


def interrupted(client: Client, run: Run) -> None:
    """Press Ctrl-C."""
    client.pause(HALF_WAY_SECONDS)
    run.send(signal.SIGINT)


def stalled(client: Client, run: Run) -> None:
    """Let the client stand still for longer than the daemon waits."""
    run.send(signal.SIGSTOP)
    client.pause(STALL_SECONDS)
    run.send(signal.SIGKILL)


def meanwhile(act: Act) -> Turn:
    """Do something else beside it."""
    return lambda client, _run: act(client)


def removed(name: str) -> Turn:
    """Remove a file before its turn has come."""
    return lambda client, _run: (client.files / name).unlink(missing_ok=True)

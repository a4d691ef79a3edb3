"""What outlives a proxy: the snapshot on disk, and what others have through Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from exporter_proxy.config import Config
from exporter_proxy.metrics import SnapshotMetrics, StoreMetrics
from exporter_proxy.store import snapshot
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.intake import Intake
from exporter_proxy.store.shared import Shared
from exporter_proxy.store.snapshot import Snapshot
from exporter_proxy.store.table import Away, Table
from servicekit import SettingsError


class Survival:
    """Does what the configuration asks for: both, one of them or nothing."""

    def __init__(
        self,
        config: Config,
        intake: Intake,
        applications: Applications,
        registry: CollectorRegistry,
    ) -> None:
        self._snapshot: Snapshot | None = None
        self._shared: Shared | None = None
        if config.snapshot.path:
            about = SnapshotMetrics(registry)
            self._snapshot = Snapshot(config.snapshot, intake, applications, about)
        if config.store.kind == "redis":
            table, metrics = _table(config), StoreMetrics(registry)
            self._shared = Shared(table, intake, applications, metrics)
            intake.keeper = self._shared

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Restore what there is before the block; keep what there is after it.

        After a failure the snapshot stays as it was: another proxy may use the file.
        Raises SettingsError.
        """
        if self._snapshot:
            await self._snapshot.restore()
        try:
            if self._shared:
                await self._shared.start()
            yield
        finally:
            if self._shared:
                await self._shared.close()
        if self._snapshot:
            await self._snapshot.save()

    async def save(self) -> None:
        """Write snapshots, if any are wanted, until cancelled."""
        if self._snapshot:
            await self._snapshot.run()

    async def follow(self) -> None:
        """Follow what other proxies change, if any share with this, until cancelled."""
        if self._shared:
            await self._shared.run()

    async def catch_up(self) -> None:
        """Wait a moment for what other proxies changed before now."""
        if self._shared:
            await self._shared.catch_up()


async def problems(config: Config) -> list[str]:
    """Return a line for what keeps data from being shared.

    Raises SettingsError when no snapshot can be kept.
    """
    if found := list(snapshot.problems(config.snapshot)):
        raise SettingsError(found)
    if config.store.kind != "redis":
        return []
    table = _table(config)
    try:
        await table.changes(0)
    except Away as error:
        return [f"store.redis_url: {error}"]
    finally:
        await table.close()
    return []


def _table(config: Config) -> Table:
    store = config.store
    return Table(store.redis_url, store.key_prefix, store.timeout)

"""Who wants to know of each change that the intake makes, before it is answered."""

from collections.abc import Set as AbstractSet
from typing import Protocol


class Keeper(Protocol):
    """Keeps what is taken elsewhere too. Called in the application's turn."""

    async def taken(self, name: str, families: AbstractSet[bytes] | None) -> None:
        """Keep an application's new data.

        families: the names of those that were sent, where the others stay; None: all.
        """

    async def deleted(self, name: str) -> bool:
        """Forget an application; return whether it was known elsewhere."""


class Nobody:
    """Keeps nothing: one proxy's memory is all there is."""

    async def taken(self, name: str, families: AbstractSet[bytes] | None) -> None:
        """Do nothing."""

    async def deleted(self, name: str) -> bool:  # noqa: ARG002 - as a Keeper has it
        """Do nothing."""
        return False

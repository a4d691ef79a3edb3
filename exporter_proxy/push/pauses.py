"""Lets others have the event loop while one client sends very many small things."""

import asyncio

# So often the others get their turn while many small messages are taken.
PAUSE_SECONDS = 0.005


class Pauses:
    """Pauses, now and then, in work that never waits."""

    def __init__(self) -> None:
        self._due_at = 0.0

    async def pause_if_due(self) -> None:
        """Let the others work when the loop was kept from them for too long."""
        now = asyncio.get_running_loop().time()
        if now >= self._due_at:
            await asyncio.sleep(0)
            self._due_at = now + PAUSE_SECONDS

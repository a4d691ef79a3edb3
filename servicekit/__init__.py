"""What every Belfry service shares: settings, logs, health, metrics, start and end."""

from servicekit.health import Health
from servicekit.lifecycle import Stop, Stopped, every
from servicekit.metrics import Cycles
from servicekit.retry import Backoff, retry
from servicekit.service import Service, ServiceFailed
from servicekit.settings import CommonSettings, SettingsError, setting
from servicekit.web import serve

__all__ = [
    "Backoff",
    "CommonSettings",
    "Cycles",
    "Health",
    "Service",
    "ServiceFailed",
    "SettingsError",
    "Stop",
    "Stopped",
    "every",
    "retry",
    "serve",
    "setting",
]

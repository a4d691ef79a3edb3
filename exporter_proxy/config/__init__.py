"""The configuration file: its sections and keys, their defaults and their checks."""

from exporter_proxy.config.file import Config, read
from exporter_proxy.config.values import Address

__all__ = ["Address", "Config", "read"]

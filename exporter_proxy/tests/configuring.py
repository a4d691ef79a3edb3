"""Configurations of a few lines."""

from pathlib import Path

from exporter_proxy.config import Config, read


def configured(folder: Path, text: str) -> Config:
    """Return what a file with this text says."""
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return read(path)

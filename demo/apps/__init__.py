"""Four small applications: three push to exporter_proxy, the fourth is polled by it."""

"""Five small applications: four push to exporter_proxy, the fifth is polled by it."""

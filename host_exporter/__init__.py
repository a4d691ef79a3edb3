"""Connections recorded by the interceptor, counted by host, as Prometheus metrics."""

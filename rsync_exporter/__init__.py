"""What an rsync daemon's log file says, as Prometheus metrics."""

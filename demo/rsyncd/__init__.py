"""A real rsync daemon, and clients with whom everything happens that it can log."""

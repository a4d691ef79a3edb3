"""What every application sent last, and all of it merged."""

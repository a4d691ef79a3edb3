"""Side-by-side runs against peers: each program as its own users would start it."""

"""How applications push: sockets, HTTP, and the formats of their messages."""

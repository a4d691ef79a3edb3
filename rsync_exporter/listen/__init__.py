"""Lines that come by themselves: standard input, and datagrams of syslog."""

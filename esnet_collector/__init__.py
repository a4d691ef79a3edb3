"""Network interfaces and their counters, from ESnet's API onto a message bus."""

"""A Netbeam that is always there: the API of ESnet's retired service, simulated."""

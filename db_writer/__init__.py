"""Results of website checks from Kafka, each stored once in PostgreSQL."""

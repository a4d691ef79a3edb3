"""Requests each configured page when it is due and sends every result to Kafka."""

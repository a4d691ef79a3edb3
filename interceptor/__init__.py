"""Connections seen on the network, one row each in MySQL."""

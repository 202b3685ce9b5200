"""Chaos among peers: real processes and sockets, each in a network namespace of its own."""

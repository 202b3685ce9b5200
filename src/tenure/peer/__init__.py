"""Peer mode: candidates that elect among themselves, over UDP."""

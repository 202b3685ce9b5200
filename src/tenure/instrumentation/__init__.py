"""Subscribers to the events of an election: logs today."""

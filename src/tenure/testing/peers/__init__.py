"""The same simulation for peers: a network of datagrams in the place of a record, and the same checks."""

"""Real servers of the resources that fences protect: got once, started by the tests that need them."""

"""The only door to the Kubernetes API server; import from its modules, which load lazily."""

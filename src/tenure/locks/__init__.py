"""The kinds of lock, one module each; import the one you need, the others cost nothing."""

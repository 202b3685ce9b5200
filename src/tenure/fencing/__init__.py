"""Fences: the check at a resource that refuses the tokens of older terms, one flat module per resource."""

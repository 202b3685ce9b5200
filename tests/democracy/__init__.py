"""The unsafe compatibility mode, beside the real democracy.js."""

"""UNSAFE: a member of a group of democracy.js 3.1.3, wire-compatible, for moving away from it.

Whoever can send a datagram decides who leads, and a partition elects two leaders. `unsafe` has `Democracy`,
which users hold; `node` is the pure core below it.
"""

"""Measures tenure on a real etcd and kube-apiserver, beside client-go: ``python -m benchmarks --help``."""

"""tenure: leader election on Kubernetes."""

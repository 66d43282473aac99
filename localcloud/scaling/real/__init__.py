"""A trace that is run for real: load through the load balancer of the local cloud, beside what the simulator says."""

"""A steady load through the load balancer, by clients that remember what they were promised."""

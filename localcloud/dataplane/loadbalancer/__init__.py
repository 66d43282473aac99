"""Application load balancers as Envoy listeners.

Not here: authentication and JWT actions, rule transforms, sticky sessions, Lambda targets, network load balancers. A
rule or target group that has one is refused by name, in the load balancer's status.
"""

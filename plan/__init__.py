"""What a change will do before it is deployed: to resources, to security, to the bill, and for how long.

Reads synthesized templates and the CloudFormation API, never stack code; of our own packages only preflight's reader
and the typed configuration.
"""

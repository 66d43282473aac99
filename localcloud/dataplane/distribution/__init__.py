"""CloudFront distributions as Envoy listeners.

Behaviours, origins (load balancers and S3 buckets), signed URLs and cookies, viewer protocol policy, allowed methods,
compression. Nothing is cached: every request goes to its origin. Not here: functions, field-level encryption, origin
groups, geographic restrictions, custom error pages, and WAF.
"""

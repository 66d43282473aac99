"""What is measured: one class for each source, whose methods give CloudWatch metrics and decide nothing."""

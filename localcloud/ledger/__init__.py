"""What clients were promised, on disk, and whether the platform kept it: lost, changed, billed twice."""

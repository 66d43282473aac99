"""`make drill NAME=faults`: parts die while clients work, and what was promised to them is counted afterwards."""

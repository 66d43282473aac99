"""Ends previews that are past their time, and deletes what lost its preview."""

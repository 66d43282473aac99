"""Who can do what: principals of templates, their effective permissions, and ways from one to another."""

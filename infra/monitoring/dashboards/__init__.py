"""What a person looks at: one page for the night, one for product and cost, one for the objectives."""

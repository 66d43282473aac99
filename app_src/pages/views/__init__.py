"""The pages' views. Each starts from the user's own objects; templates do no queries of their own."""

"""The pages and what they ask for while somebody works on them."""

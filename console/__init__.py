"""The officers' console: pages and an API over the product's parts, which it never configures."""

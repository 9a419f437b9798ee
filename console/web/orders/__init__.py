"""The way of an order, page by page."""

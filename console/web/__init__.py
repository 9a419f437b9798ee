"""The console as a browser meets it: pages, and what stands guard before them."""

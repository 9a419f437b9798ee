"""What programs may do, without HTTP: their keys, and the same answer to the same request."""

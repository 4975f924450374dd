"""A lead becomes a request, a reply becomes a verdict. Pure."""

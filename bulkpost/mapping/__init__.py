"""A row becomes a lead with a key, or a finding that says why not. Pure."""

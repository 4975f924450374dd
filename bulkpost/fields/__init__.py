"""LeadConduit field types: text in, what LeadConduit will read out. Pure."""

"""LeadConduit on loopback, with faults on order."""

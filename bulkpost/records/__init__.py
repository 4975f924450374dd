"""LeadConduit's own records, as its API shows them to the owner of a flow. Pure.

Questions as requests, answers as values. Reference: LeadConduit API 1.0.1 (OpenAPI). Every call
wants HTTP Basic with the user name ``API`` and the account's API key as password.
"""

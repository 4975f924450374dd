"""LeadConduit's API for the owner of a flow: questions as requests, answers as values. Pure.

Reference: LeadConduit API 1.0.1 (OpenAPI). Every call wants HTTP Basic with the user name ``API``
and the account's API key as password.
"""

"""The write-ahead ledger: what was meant, what was sent, what became of it."""

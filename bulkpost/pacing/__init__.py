"""When a row may be sent: decisions only. Nothing here waits or reads a clock."""

"""Which column of a foreign list feeds which field: by its name, and by what its values look like.

Pure. Nothing here keeps or shows a text of a cell: values are counted, and names are told.
"""

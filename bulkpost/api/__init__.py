"""bulkpost from Python; ``bulkpost`` itself has the names, so that importing it costs nothing.

``session``  ``open``: lists are submitted
``frame``    ``results``: what became of every row, as a frame

Nothing is printed or asked, and no signal is taken unless asked for.
"""

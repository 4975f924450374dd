"""A report as one HTML page: no script, no request, no lead data.

``charts``         what is drawn; ``drawing`` draws it; ``svg`` makes it part of the page
``findings``       what a check found, read back from its file and counted
``page``           all of it, through ``page.html`` and ``page.css``
"""

"""Inputs become rows: a reader per format behind one protocol.

In the order in which an input goes through:

``inputs``       which files a command line means; standard input kept in a private file
``content``      what a file is: ``compression``, ``encoding``; the bytes that identify it
``digest``       who it is: SHA-256 of the content and of its beginnings
``lines``        lines of text with their places, in blocks
``delimited``    CSV and TSV; ``delimiter`` finds what stands between the cells
``json_lines``   an object per line
``parquet``      typed columns; ``text_form`` gives each type its one text
``results``      a file that ``export`` wrote, read back as the list it came from
``protocol``     what every reader can do; ``reader`` chooses one
``survey``       the whole of a new input, read before its first lead is sent

Every cell stays the text it was. A bad row has a defect and its place; a bad file is an
``InputError`` before anything is sent.
"""

from bulkpost.reading.columns import UnusableColumn
from bulkpost.reading.digest import ContentDigest, digest_content
from bulkpost.reading.formats import Compression, InputFormat, InputKind
from bulkpost.reading.inputs import resolve_inputs, spool_stdin
from bulkpost.reading.reader import Reader, open_reader
from bulkpost.reading.settings import ReadingSettings
from bulkpost.reading.survey import MARK_ROWS, Mark, Survey, survey

__all__ = [
    "MARK_ROWS",
    "Compression",
    "ContentDigest",
    "InputFormat",
    "InputKind",
    "Mark",
    "Reader",
    "ReadingSettings",
    "Survey",
    "UnusableColumn",
    "digest_content",
    "open_reader",
    "resolve_inputs",
    "spool_stdin",
    "survey",
]

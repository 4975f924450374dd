"""LeadConduit field types: text in, what LeadConduit will read out. Pure.

``parse`` tells what LeadConduit makes of a text and what the sender would want to know about it;
``guess_type`` tells a field's type by its name. One file per type; ``date_formats`` and
``javascript`` hold what several of them stand on, ``looks`` what can be said of any text.
"""

from bulkpost.fields.names import guess_type
from bulkpost.fields.parsed import Parsed, Part
from bulkpost.fields.parsing import parse

__all__ = ["Parsed", "Part", "guess_type", "parse"]

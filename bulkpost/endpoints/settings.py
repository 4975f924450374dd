"""The settings of writing leads and reading replies."""

from typing import Literal

import msgspec

from bulkpost.lead import LeadFormat


class EndpointSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """In which format leads go out and answers come back, and how far a proxy is trusted.

    Attributes:
        format: How a lead is written: a form, JSON or XML in the body of a POST, or the URL of a
            GET.
        accept: In which format LeadConduit is asked to answer. Either is read, whatever comes.
        strict: Hold a row that was answered 502 or 504 as in doubt instead of sending it again.
    """

    format: LeadFormat = LeadFormat.FORM
    accept: Literal["json", "xml"] = "json"
    strict: bool = False

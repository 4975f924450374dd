"""The settings of writing leads and reading replies."""

from typing import Annotated, Final, Literal

import msgspec

from bulkpost.lead import LeadFormat

SOURCE_KEY_VARIABLE: Final = "BULKPOST_SOURCE_KEY"


class EndpointSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """In which format leads go out and answers come back, and how far a proxy is trusted.

    Attributes:
        format: How a lead is written: a form, JSON or XML in the body of a POST, or the URL of a
            GET.
        accept: In which format LeadConduit is asked to answer. Either is read, whatever comes.
        strict: Hold a row that was answered 502 or 504 as in doubt instead of sending it again.
        source_key_file: File that holds the API key of the sender's account on its one line, for a
            source that asks for authentication; only you may be able to read it. The environment
            variable ``BULKPOST_SOURCE_KEY`` wins over it.
        source_user: User name that goes with it; LeadConduit does not look at it.
    """

    format: LeadFormat = LeadFormat.FORM
    accept: Literal["json", "xml"] = "json"
    strict: bool = False
    source_key_file: str = ""
    source_user: Annotated[str, msgspec.Meta(pattern="^[ -9;-~]{1,100}$")] = "API"

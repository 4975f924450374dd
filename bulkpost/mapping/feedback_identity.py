"""Who feedback is, over all inputs and runs of one destination.

LeadConduit takes the same feedback as often as it comes, and bills each time. So an event and a
type are the whole of a key: another reason does not make other feedback, it makes a conflict.
"""

import hashlib

from bulkpost.feedback import Feedback
from bulkpost.lead import CONTENT_BYTES, KEY_BYTES, Identity
from bulkpost.mapping.identity import digest_of, prefixed

_KEY_PERSON = b"bulkpost fkey 1"
_CONTENT_PERSON = b"bulkpost fdata 1"


class FeedbackIdentifier:
    """Gives feedback its identity, keyed with the ledger's salt."""

    def __init__(self, salt: bytes) -> None:
        self._key = hashlib.blake2b(key=salt, digest_size=KEY_BYTES, person=_KEY_PERSON)
        self._content = hashlib.blake2b(key=salt, digest_size=CONTENT_BYTES, person=_CONTENT_PERSON)

    def identify(self, feedback: Feedback) -> Identity:
        """Return the key, over destination, event and type, and the content, over the reason."""
        parts = (feedback.destination.name, feedback.event_id, feedback.type.value)
        key = digest_of(self._key, "".join(map(prefixed, parts)))
        return Identity(key, digest_of(self._content, prefixed(feedback.reason)))

"""Rejected messages: no well-formed events, kept whole until an operator redrives or drops them.

They are in the database of the event log, and never in the log itself.
"""

from audit_service.rejected.http_recorder import HttpRecorder
from audit_service.rejected.message import RejectedMessage, RejectionSummary, StoredRejection
from audit_service.rejected.store import RejectedStore, open_rejected

__all__ = [
    "HttpRecorder",
    "RejectedMessage",
    "RejectedStore",
    "RejectionSummary",
    "StoredRejection",
    "open_rejected",
]

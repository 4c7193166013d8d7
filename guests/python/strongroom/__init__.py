"""Storages for Strongroom in Python: subclass `Storage`, test it with `strongroom.testing`, build it with
`python3 -m strongroom build`."""

from .errors import ErrorCode, StorageError
from .model import AttributeChanges, Attributes, Client, Features, FileKind, OpenFlags, Usage
from .storage import Storage

__all__ = [
    "AttributeChanges",
    "Attributes",
    "Client",
    "ErrorCode",
    "Features",
    "FileKind",
    "OpenFlags",
    "Storage",
    "StorageError",
    "Usage",
]

"""Storages for Strongroom in Python: subclass `Storage`, test it with `strongroom.testing`, build it with
`python3 -m strongroom build`."""

from .errors import ErrorCode, StorageError
from .model import AttributeChanges, Attributes, Client, Features, FileKind, OpenFlags, Usage
from .storage import Storage
from .wants import Address, Directory, Setting, Variable, Wants

__all__ = [
    "Address",
    "AttributeChanges",
    "Attributes",
    "Client",
    "Directory",
    "ErrorCode",
    "Features",
    "FileKind",
    "OpenFlags",
    "Setting",
    "Storage",
    "StorageError",
    "Usage",
    "Variable",
    "Wants",
]

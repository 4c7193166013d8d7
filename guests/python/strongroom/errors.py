"""Why an operation failed: the contract's codes, the exception that carries one, what Python's own exceptions mean."""

import enum
import errno
import traceback


class ErrorCode(enum.Enum):
    """The contract's `error-code`; the SFTP status that a client gets stands beside each in `wit/types.wit`."""

    NO_SUCH_FILE = "no-such-file"
    NOT_A_DIRECTORY = "not-a-directory"
    LOOP = "loop"
    PERMISSION_DENIED = "permission-denied"
    READ_ONLY = "read-only"
    INVALID_ARGUMENT = "invalid-argument"
    NAME_TOO_LONG = "name-too-long"
    UNSUPPORTED = "unsupported"
    ALREADY_EXISTS = "already-exists"
    IS_A_DIRECTORY = "is-a-directory"
    NOT_EMPTY = "not-empty"
    NO_SPACE = "no-space"
    QUOTA_EXCEEDED = "quota-exceeded"
    FILE_TOO_LARGE = "file-too-large"
    TOO_MANY_LINKS = "too-many-links"
    TOO_MANY_OPEN = "too-many-open"
    CROSS_DEVICE = "cross-device"
    BUSY = "busy"
    CONFLICT = "conflict"
    CORRUPT = "corrupt"
    UNAVAILABLE = "unavailable"
    TIMED_OUT = "timed-out"
    NOT_AUTHENTICATED = "not-authenticated"
    FAILURE = "failure"


class StorageError(Exception):
    """An error with one of the contract's codes.

    `message` is shown to the client, so it names no host, credential or path but the client's own; empty for the
    host's words. `detail` goes to the operator's log only.
    """

    def __init__(self, code: ErrorCode, message: str = "", detail: str | None = None) -> None:
        super().__init__(code, message, detail)
        self.code = code
        self.message = message
        self.detail = detail


_BY_CLASS: list[tuple[type[BaseException], ErrorCode]] = [
    (FileNotFoundError, ErrorCode.NO_SUCH_FILE),
    (NotADirectoryError, ErrorCode.NOT_A_DIRECTORY),
    (IsADirectoryError, ErrorCode.IS_A_DIRECTORY),
    (FileExistsError, ErrorCode.ALREADY_EXISTS),
    (PermissionError, ErrorCode.PERMISSION_DENIED),
    (TimeoutError, ErrorCode.TIMED_OUT),
    (ConnectionError, ErrorCode.UNAVAILABLE),
    (NotImplementedError, ErrorCode.UNSUPPORTED),
    (MemoryError, ErrorCode.NO_SPACE),
]

_BY_ERRNO: dict[int, ErrorCode] = {
    errno.ELOOP: ErrorCode.LOOP,
    errno.EROFS: ErrorCode.READ_ONLY,
    errno.EINVAL: ErrorCode.INVALID_ARGUMENT,
    errno.ENAMETOOLONG: ErrorCode.NAME_TOO_LONG,
    errno.ENOSYS: ErrorCode.UNSUPPORTED,
    errno.ENOTSUP: ErrorCode.UNSUPPORTED,
    errno.ENOTEMPTY: ErrorCode.NOT_EMPTY,
    errno.ENOSPC: ErrorCode.NO_SPACE,
    errno.EDQUOT: ErrorCode.QUOTA_EXCEEDED,
    errno.EFBIG: ErrorCode.FILE_TOO_LARGE,
    errno.EMLINK: ErrorCode.TOO_MANY_LINKS,
    errno.EMFILE: ErrorCode.TOO_MANY_OPEN,
    errno.ENFILE: ErrorCode.TOO_MANY_OPEN,
    errno.EXDEV: ErrorCode.CROSS_DEVICE,
    errno.EBUSY: ErrorCode.BUSY,
    errno.ENETUNREACH: ErrorCode.UNAVAILABLE,
    errno.EHOSTUNREACH: ErrorCode.UNAVAILABLE,
}


def as_storage_error(raised: BaseException) -> StorageError:
    """What the host is told of an exception. The client learns the code only; the rest is for the log."""
    if isinstance(raised, StorageError):
        return raised
    for kind, code in _BY_CLASS:
        if isinstance(raised, kind):
            return StorageError(code, detail=str(raised) or None)
    if isinstance(raised, OSError) and raised.errno in _BY_ERRNO:
        return StorageError(_BY_ERRNO[raised.errno], detail=str(raised))
    return StorageError(ErrorCode.FAILURE, detail=_one_line(raised))


def is_expected(raised: BaseException) -> bool:
    """Whether an author means this exception as an answer, so that no back trace is wanted."""
    return as_storage_error(raised).code is not ErrorCode.FAILURE or isinstance(raised, StorageError)


def _one_line(raised: BaseException) -> str:
    said = "".join(traceback.format_exception_only(raised)).strip().replace("\n", " ")
    frames = traceback.extract_tb(raised.__traceback__)
    return f"{said} ({frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name})" if frames else said

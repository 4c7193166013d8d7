"""The storage as a component: the contract's resources over `guard.py`, in the types that componentize-py generates.

Only the component itself can import this module; `build.py` writes the two lines that do.
"""

import functools
from collections.abc import Awaitable, Callable
from math import floor, inf, nextafter
from typing import Any, ParamSpec, TypeVar

from componentize_py_types import Err
from wit_world.exports import StrongroomResources, strongroom_resources as contract
from wit_world.imports import types

from . import guard, model
from .errors import StorageError, as_storage_error
from .storage import Storage

P = ParamSpec("P")
T = TypeVar("T")


def _told(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Turns what is raised into the contract's `error`, which traps the instance in any other form."""

    @functools.wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except GeneratorExit:
            raise
        except BaseException as raised:
            raise Err(_error(as_storage_error(raised))) from None

    return call


def exporting(storage: type[Storage]) -> type:
    """The class that componentize-py looks for: `connect`, for sessions of `storage`."""

    class Exported(StrongroomResources):
        @_told
        async def connect(self, client: types.Client, settings: list[tuple[str, str]]) -> contract.Connected:
            session = await guard.connect(storage, _client(client), dict(settings))
            return contract.Connected(
                session=Session(session),
                features=types.Features(session.storage.features.value),
                home=session.storage.home,
                transfer_size=session.storage.transfer_size,
                notes=[],
            )

    return Exported


class Session(contract.Session):
    def __init__(self, session: guard.Session) -> None:
        self._session = session

    @_told
    async def open(self, path: str, flags: types.OpenFlags, permissions: int) -> contract.Opened:
        file = await self._session.open(path, model.OpenFlags(flags.value), permissions)
        return contract.Opened(file=File(file), native=None)

    @_told
    async def open_directory(self, path: str) -> contract.Directory:
        return Directory(await self._session.open_directory(path))

    @_told
    async def stat(self, path: str, follow: bool) -> types.Attributes:
        return _attributes(await self._session.stat(path, follow))

    @_told
    async def set_stat(self, path: str, follow: bool, changes: types.AttributeChanges) -> None:
        await self._session.set_stat(path, follow, _changes(changes))

    @_told
    async def real_path(self, path: str) -> str:
        return await self._session.real_path(path)

    @_told
    async def make_directory(self, path: str, permissions: int) -> None:
        await self._session.make_directory(path, permissions)

    @_told
    async def remove_directory(self, path: str) -> None:
        await self._session.remove_directory(path)

    @_told
    async def remove(self, path: str) -> None:
        await self._session.remove(path)

    @_told
    async def rename(self, source: str, destination: str, replace: bool) -> None:
        await self._session.rename(source, destination, replace)

    @_told
    async def read_link(self, path: str) -> str:
        return await self._session.read_link(path)

    @_told
    async def symlink(self, target: str, path: str) -> None:
        await self._session.symlink(target, path)

    @_told
    async def hard_link(self, existing: str, path: str) -> None:
        await self._session.hard_link(existing, path)

    @_told
    async def usage(self, path: str) -> types.Usage:
        return _usage(await self._session.usage(path))

    @_told
    async def close(self) -> None:
        await self._session.close()


class File(contract.File):
    def __init__(self, file: guard.File) -> None:
        self._file = file

    @_told
    async def read(self, offset: int, length: int) -> bytes:
        return await self._file.read(offset, length)

    @_told
    async def write(self, offset: int, data: bytes) -> None:
        await self._file.write(offset, data)

    @_told
    async def stat(self) -> types.Attributes:
        return _attributes(await self._file.stat())

    @_told
    async def set_stat(self, changes: types.AttributeChanges) -> None:
        await self._file.set_stat(_changes(changes))

    @_told
    async def usage(self) -> types.Usage:
        return _usage(await self._file.usage())

    @_told
    async def sync(self) -> None:
        await self._file.sync()

    @_told
    async def close(self, ending: types.Ending) -> None:
        await self._file.close(ending == types.Ending.COMMIT)


class Directory(contract.Directory):
    def __init__(self, directory: guard.Directory) -> None:
        self._directory = directory

    @_told
    async def read(self, max: int) -> list[types.DirectoryEntry]:
        entries = await self._directory.read(max)
        return [types.DirectoryEntry(name=name, attributes=_attributes(attributes)) for name, attributes in entries]

    async def close(self) -> None:
        try:
            await self._directory.close()
        except StorageError:
            # The contract has no error here, and guard.py has told the log.
            pass


def _error(error: StorageError) -> types.Error:
    return types.Error(code=types.ErrorCode[error.code.name], message=_text(error.message), detail=_text(error.detail))


def _text(said: Any) -> Any:
    """An exception's text may hold what is no Unicode, as a file name of `os.listdir` does."""
    return said if said is None else str(said).encode(errors="backslashreplace").decode()


def _client(client: types.Client) -> model.Client:
    return model.Client(
        user=client.user, address=client.address, session_id=client.session_id, notes=tuple(client.notes)
    )


def _attributes(told: model.Attributes) -> types.Attributes:
    return types.Attributes(
        kind=types.FileKind[told.kind.name],
        size=told.size,
        permissions=told.permissions,
        uid=told.uid,
        gid=told.gid,
        user=told.user,
        group=told.group,
        accessed=_timestamp(told.accessed),
        modified=_timestamp(told.modified),
        link_count=told.link_count,
        extended=list(told.extended),
    )


def _changes(asked: types.AttributeChanges) -> model.AttributeChanges:
    return model.AttributeChanges(
        size=asked.size,
        permissions=asked.permissions,
        uid=asked.uid,
        gid=asked.gid,
        accessed=_seconds(asked.accessed),
        modified=_seconds(asked.modified),
        extended=tuple(asked.extended),
    )


def _usage(told: model.Usage) -> types.Usage:
    return types.Usage(**{name: getattr(told, name) for name in model.Usage.__dataclass_fields__})


def _timestamp(seconds: float | None) -> types.Timestamp | None:
    if seconds is None:
        return None
    whole = floor(seconds)
    return types.Timestamp(seconds=whole, nanoseconds=min(int((seconds - whole) * 1_000_000_000), 999_999_999))


def _seconds(time: types.Timestamp | None) -> float | None:
    if time is None:
        return None
    # The nearest float may lie in the next second.
    return min(time.seconds + time.nanoseconds / 1_000_000_000, nextafter(time.seconds + 1, -inf))

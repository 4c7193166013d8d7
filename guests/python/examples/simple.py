"""Simple: files in memory, for as long as the session lasts. It has every operation that a storage can have."""

import errno
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from strongroom import AttributeChanges, Attributes, Client, Features, FileKind, OpenFlags, Setting, Storage, Usage, Wants

BLOCK = 4096


@dataclass(eq=False)
class Node:
    kind: FileKind
    permissions: int
    accessed: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)
    link_count: int = 1
    data: bytearray = field(default_factory=bytearray)
    children: dict[str, "Node"] = field(default_factory=dict)
    target: str = ""


Handle = tuple[Node, OpenFlags]


class Simple(Storage):
    wants = Wants("simple", "Files in memory", settings=[Setting("capacity", "How many bytes", default="67108864")])
    features = ~(Features.OWNERSHIP | Features.EXTENDED_ATTRIBUTES | Features.ATOMIC_UPLOAD)

    def __init__(self, client: Client, settings: dict[str, str]) -> None:
        super().__init__(client, settings)
        self.blocks = int(settings.get("capacity", 64 << 20)) // BLOCK
        self.root = Node(FileKind.DIRECTORY, 0o755)

    def place(self, path: str, follow: bool) -> tuple[Node, str, Node | None, str]:
        """Where a path leads, with symbolic links resolved on the way and, if `follow`, at the end: a directory, a name
        in it, what has that name, if anything, and the resolved path."""
        trail, ahead, links = [("", self.root)], path.split("/")[::-1], 0
        while ahead:
            name, (_, here) = ahead.pop(), trail[-1]
            if name in ("", "."):
                continue
            if here is None:
                raise FileNotFoundError(path)
            if here.kind is not FileKind.DIRECTORY:
                raise NotADirectoryError(path)
            child = here.children.get(name)
            if name == "..":
                trail = trail[:-1] or trail
            elif child and child.kind is FileKind.SYMLINK and (follow or ahead):
                links += 1
                if links > 40:
                    raise OSError(errno.ELOOP, path)
                trail = trail[:1] if child.target.startswith("/") else trail
                ahead += child.target.split("/")[::-1]
            else:
                trail.append((name, child))
        name, node = trail[-1]
        return trail[max(len(trail) - 2, 0)][1], name, node, "/".join(name for name, _ in trail) or "/"

    def find(self, path: str, follow: bool = True) -> Node:
        if node := self.place(path, follow)[2]:
            return node
        raise FileNotFoundError(path)

    def add(self, path: str, node: Node) -> None:
        parent, name, old, _ = self.place(path, False)
        if old:
            raise FileExistsError(path)
        parent.children[name] = node

    def take(self, path: str) -> Node:
        node, (parent, name, _, _) = self.find(path, False), self.place(path, False)
        if node is self.root:
            raise OSError(errno.EBUSY, path)
        node.link_count -= 1
        return parent.children.pop(name)

    def change(self, node: Node, changes: AttributeChanges) -> None:
        if changes.size is not None:
            if node.kind is not FileKind.REGULAR:
                raise IsADirectoryError
            del node.data[changes.size :]
            node.data.extend(bytes(changes.size - len(node.data)))
            node.modified = time.time()
        for name in ("permissions", "accessed", "modified"):
            if getattr(changes, name) is not None:
                setattr(node, name, getattr(changes, name))

    def attributes(self, node: Node) -> Attributes:
        kept = {name: getattr(node, name) for name in ("kind", "permissions", "accessed", "modified", "link_count")}
        return Attributes(size=len(node.target.encode() or node.data), **kept)

    def stat(self, path: str, follow: bool) -> Attributes:
        return self.attributes(self.find(path, follow))

    def setstat(self, path: str, changes: AttributeChanges, follow: bool) -> None:
        self.change(self.find(path, follow), changes)

    def realpath(self, path: str) -> str:
        return self.place(path, True)[3]

    def opendir(self, path: str) -> Iterator[tuple[str, Attributes]]:
        node = self.find(path)
        if node.kind is not FileKind.DIRECTORY:
            raise NotADirectoryError(path)
        for name, child in list(node.children.items()):
            yield name, self.attributes(child)

    def open(self, path: str, flags: OpenFlags, permissions: int) -> Handle:
        parent, name, node, _ = self.place(path, OpenFlags.EXCLUSIVE not in flags)
        if node is None:
            if OpenFlags.CREATE not in flags:
                raise FileNotFoundError(path)
            node = parent.children[name] = Node(FileKind.REGULAR, permissions)
        elif OpenFlags.EXCLUSIVE in flags:
            raise FileExistsError(path)
        elif node.kind is FileKind.DIRECTORY:
            raise IsADirectoryError(path)
        if OpenFlags.TRUNCATE in flags:
            self.change(node, AttributeChanges(size=0))
        return node, flags

    def read(self, handle: Handle, offset: int, size: int) -> bytes:
        return bytes(handle[0].data[offset : offset + size])

    def write(self, handle: Handle, offset: int, data: bytes) -> None:
        node, flags = handle
        if OpenFlags.APPEND in flags:
            offset = len(node.data)
        node.data.extend(bytes(max(0, offset - len(node.data))))
        node.data[offset : offset + len(data)] = data
        node.modified = time.time()

    def fstat(self, handle: Handle) -> Attributes:
        return self.attributes(handle[0])

    def fsetstat(self, handle: Handle, changes: AttributeChanges) -> None:
        self.change(handle[0], changes)

    def fsync(self, handle: Handle) -> None:
        pass  # What is in memory is as safe as it will ever be.

    def fstatvfs(self, handle: Handle) -> Usage:
        return self.statvfs("/")

    def statvfs(self, path: str) -> Usage:
        self.find(path)
        free = max(0, self.blocks - self.blocks_in(self.root))
        return Usage(fragment_size=BLOCK, blocks=self.blocks, blocks_free=free, blocks_available=free)

    def blocks_in(self, node: Node) -> int:
        return -(-len(node.data) // BLOCK) + sum(map(self.blocks_in, node.children.values()))

    def mkdir(self, path: str, permissions: int) -> None:
        self.add(path, Node(FileKind.DIRECTORY, permissions))

    def rmdir(self, path: str) -> None:
        node = self.find(path, False)
        if node.kind is not FileKind.DIRECTORY:
            raise NotADirectoryError(path)
        if node.children:
            raise OSError(errno.ENOTEMPTY, path)
        self.take(path)

    def rm(self, path: str) -> None:
        if self.find(path, False).kind is FileKind.DIRECTORY:
            raise IsADirectoryError(path)
        self.take(path)

    def rename(self, source: str, destination: str, replace: bool) -> None:
        moved, (_, _, old, there) = self.find(source, False), self.place(destination, False)
        if old and not replace:
            raise FileExistsError(destination)
        if old is moved:
            return
        if f"{there}/".startswith(f"{self.place(source, False)[3]}/"):
            raise OSError(errno.EINVAL, destination)
        if old:
            self.rmdir(destination) if moved.kind is FileKind.DIRECTORY else self.rm(destination)
        self.add(destination, self.take(source))
        moved.link_count += 1

    def readlink(self, path: str) -> str:
        node = self.find(path, False)
        if node.kind is not FileKind.SYMLINK:
            raise OSError(errno.EINVAL, path)
        return node.target

    def symlink(self, target: str, path: str) -> None:
        self.add(path, Node(FileKind.SYMLINK, 0o777, target=target))

    def link(self, existing: str, path: str) -> None:
        node = self.find(existing, False)
        if node.kind is FileKind.DIRECTORY:
            raise PermissionError(path)
        self.add(path, node)
        node.link_count += 1

"""Numbers made of measurements: medians with quartiles, ratios pair by pair, and what is to be reached."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A median between its quartiles."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values):
        values = list(values)
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, lower, upper)


@dataclass(frozen=True)
class Compared:
    """One quantity of two servers, which took turns."""

    ours: Figure
    theirs: Figure
    ratio: Figure

    @classmethod
    def of(cls, pairs):
        ours, theirs = zip(*pairs)
        # A CPU time below the kernel's grain is no number to divide by.
        ratios = [a / max(b, 1e-6) for a, b in pairs]
        return cls(Figure.of(ours), Figure.of(theirs), Figure.of(ratios))


@dataclass(frozen=True)
class Row:
    """A work, done by a contender and by the server that it is compared with, in turn."""

    work: str
    contender: str
    pairs: int
    wall: Compared
    server_cpu: Compared
    client_cpu: Compared | None

    @classmethod
    def of(cls, work, contender, pairs):
        def quantity(name):
            values = [(getattr(a, name), getattr(b, name)) for a, b in pairs]
            return None if values[0][0] is None else Compared.of(values)

        return cls(work, contender, len(pairs), quantity("wall"), quantity("server_cpu"), quantity("client_cpu"))


@dataclass(frozen=True)
class Target:
    """At most this, as a share of what OpenSSH's server takes."""

    wall: float
    server_cpu: float | None = None


TARGETS = {
    ("jail", "version"): Target(3),
    ("jail", "realpath"): Target(3),
    ("jail", "get"): Target(1, 0.8),
    ("jail", "put"): Target(1, 0.8),
    ("jail", "get-small"): Target(0.95, 0.9),
    ("jail", "put-small"): Target(1, 1),
    ("jail", "list"): Target(0.9, 0.7),
    ("memory", "version"): Target(3),
    ("memory", "realpath"): Target(3),
    ("memory", "get"): Target(1.1),
    ("memory", "put"): Target(1.1),
    ("memory", "get-small"): Target(1),
    ("memory", "put-small"): Target(1),
    ("memory", "list"): Target(1),
    ("jail-no-native", "version"): Target(3),
    ("jail-no-native", "realpath"): Target(3),
    ("jail-no-native", "get"): Target(1.2),
    ("jail-no-native", "put"): Target(1.2),
    ("jail-no-native", "get-small"): Target(1),
    ("jail-no-native", "put-small"): Target(1),
    ("jail-no-native", "list"): Target(1),
}

# MiB, of an idle session of a jail.
MEMORY_TARGET = 12

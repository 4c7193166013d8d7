"""The results as Markdown and as JSON."""

import json
from dataclasses import asdict

from figures import MEMORY_TARGET, TARGETS

TARGETED = ("jail", "memory", "jail-no-native")


def as_json(results):
    return json.dumps(asdict(results), indent=2, ensure_ascii=False) + "\n"


def as_markdown(results):
    parts = ["# Speed", _preface(results), "![Each server's time divided by OpenSSH's](speed.svg)"]
    parts += ["## What was to be reached", _targets(results)]
    if results.memory_mib:
        parts += ["## Memory", _memory(results)]
    parts += ["## Times", TIMES_NOTE]
    for contender, title in results.contenders.items():
        parts += [f"### {title}", _times(results, contender)]
    if results.instructions:
        parts += ["## Instructions", INSTRUCTIONS_NOTE, _instructions(results)]
    return "\n\n".join(parts) + "\n"


TIMES_NOTE = """Medians, for ratios with the quartiles in brackets. A ratio is of one pair: the server's time divided by
that of OpenSSH's server, which did the same right after it; below 1 the server is faster. CPU time is user and system
time. For large files it is the client's that bounds the wall time."""

INSTRUCTIONS_NOTE = """Millions of instructions in user space, of the server alone, as callgrind counts them; a server's
start and end are in them. Debian 12's valgrind does not know openat2, so that a jail looks for paths by hand there, which
takes more instructions."""


def _preface(results):
    versions = ", ".join(f"{name} {version}" for name, version in results.versions)
    return "\n".join(
        [
            f"Made on {results.date} by",
            "",
            f"    {results.command}",
            "",
            f"on {results.machine}. {versions}.",
            "",
            "OpenSSH's `sftp -D` is the client, the files lie in memory (`/dev/shm`), and no SSH is involved. Two servers take",
            f"turns, A B A B, in {results.pairs} pairs for each work. `memory` begins empty: it and the server that it is compared with do",
            "their works in one session that stays open, into which the files were put before.",
        ]
    )


def _targets(results):
    lines = [_line("work", "server", "quantity", "ratio", "at most", ""), _line("---", "---", "---", "---:", "---:", "---")]
    for row in results.rows:
        target = TARGETS.get((row.contender, row.work))
        if target is None:
            continue
        for quantity, compared, limit in [
            ("wall", row.wall, target.wall),
            ("server CPU", row.server_cpu, target.server_cpu),
        ]:
            if limit is not None:
                verdict = "met" if compared.ratio.median <= limit else "**not met**"
                title = results.contenders[row.contender]
                lines.append(_line(results.works[row.work], title, quantity, _ratio(compared), f"{limit:g}", verdict))
    return "\n".join(lines)


def _memory(results):
    lines = [
        "Proportional set size of ten idle sessions, divided by ten, in MiB.",
        "",
        _line("server", "MiB", "at most", ""),
        _line("---", "---:", "---:", "---"),
    ]
    for name, mib in results.memory_mib.items():
        limit, verdict = "", ""
        if name == "jail":
            limit, verdict = f"{MEMORY_TARGET}", "met" if mib < MEMORY_TARGET else "**not met**"
        lines.append(_line(results.titles[name], f"{mib:.1f}", limit, verdict))
    return "\n".join(lines)


def _times(results, contender):
    lines = [
        _line("work", "wall, ms", "OpenSSH", "ratio", "server CPU, ms", "OpenSSH", "ratio", "client CPU, ms", "OpenSSH"),
        _line("---", *["---:"] * 8),
    ]
    for row in (row for row in results.rows if row.contender == contender):
        cells = [results.works[row.work]]
        for compared in (row.wall, row.server_cpu):
            cells += [_ms(compared.ours), _ms(compared.theirs), _ratio(compared)]
        cells += [_ms(row.client_cpu.ours), _ms(row.client_cpu.theirs)] if row.client_cpu else ["", ""]
        lines.append(_line(*cells))
    failed = [f"{results.works[work]} failed: {why}." for name, work, why in results.failures if name == contender]
    return "\n".join(lines + ([""] + failed if failed else []))


def _instructions(results):
    works = [work for work in results.works if any(work in counts for counts in results.instructions.values())]
    lines = [_line("server", *[results.works[work] for work in works]), _line("---", *["---:"] * len(works))]
    for name, counts in results.instructions.items():
        numbers = [f"{counts[work] / 1e6:,.0f}" if work in counts else "" for work in works]
        lines.append(_line(results.titles[name], *numbers))
    return "\n".join(lines)


def _line(*cells):
    return f"| {' | '.join(cells)} |"


def _ms(figure):
    ms = figure.median * 1e3
    return f"{ms:.2f}" if ms < 10 else f"{ms:.0f}"


def _ratio(compared):
    ratio = compared.ratio
    return f"{ratio.median:.2f} [{ratio.lower:.2f}, {ratio.upper:.2f}]"

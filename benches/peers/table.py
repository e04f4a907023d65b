"""The tables, as Markdown to be pasted into BENCHMARKING.md."""

from figures import Measured, Wanted, whole

NONE = "–"


def rows_of(cells: list[list[str]], numbers_from: int) -> str:
    """A table; columns are right-aligned from `numbers_from` on."""
    head, *body = cells
    rule = ["---" if column < numbers_from else "---:" for column in range(len(head))]
    lines = [f"| {' | '.join(row)} |" for row in (head, *body)]
    return "\n".join([lines[0], f"|{'|'.join(rule)}|", *lines[1:]])


def times(system: Measured, *names: str) -> str:
    """Median, spread and ratio to V; several are one cell."""
    return " + ".join(time(system, name) for name in names if system.has(name)) or NONE


def time(system: Measured, name: str) -> str:
    least, most = system.spread(name)
    return f"{short(system.median(name))} ({short(least)}–{short(most)}), **{system.in_v(name):.2f} V**"


def short(value: float) -> str:
    return f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def size(system: Measured, *names: str) -> str:
    return " + ".join(f"{system.median(name):.1f}" for name in names if system.has(name)) or NONE


def per_item(systems: list[Measured]) -> str:
    """Stage by stage: CPU-µs."""
    head = ["CPU-µs", "prepare an entry", "transfer an entry, server + client", "a member, server", "a member, client"]
    cells = [head]
    for one in systems:
        if one.error:
            cells.append([one.title, f"not measured: {one.error}", NONE, NONE, NONE])
        elif one.has("prepare"):
            transfer = times(one, "transfer_server", "transfer_client")
            cells.append([one.title, times(one, "prepare"), transfer, times(one, "server"), times(one, "client")])
    return rows_of(cells, 1)


def checks(systems: list[Measured], few: int, m: int) -> str:
    """What a check takes for each member, and whatever their number: a look at the whole list, the start of the programs."""
    cells = [["CPU of a check", "server, µs a member", "server, ms beside", "client, µs a member", "client, ms beside"]]
    for one in systems:
        lines = [one.split(side, few, m) for side in ("server", "client")]
        if not one.error and any(lines):
            numbers = [(f"{line[0]:.1f}", f"{line[1] / 1e3:.0f}") if line else (NONE, NONE) for line in lines]
            cells.append([one.title, *numbers[0], *numbers[1]])
    return rows_of(cells, 1)


def bytes_per_item(systems: list[Measured]) -> str:
    """Stage by stage: bytes."""
    cells = [["bytes", "an entry on the wire", "an entry on the client's disk", "a member on the wire, up + down"]]
    for one in systems:
        if one.has("up"):
            cells.append([one.title, size(one, "transfer"), size(one, "disk"), size(one, "up", "down")])
    return rows_of(cells, 1)


def one_insurer(systems: list[Measured], n: int, m: int) -> str:
    """All of it, so that protocols without stages can stand beside the others."""
    cells = [["one insurer", "prepare, s", "server, s", "client, s", "all, s", "each further insurer, s", "MB"]]
    for one in systems:
        if not one.error and (sum_ := whole(one, n, m)):
            parts = (sum_.prepare_s, sum_.server_s, sum_.client_s, sum_.cpu_s, sum_.cpu_s - sum_.prepare_s)
            cells.append([one.title, *(f"{part:.2f}" for part in parts), f"{sum_.megabytes:.1f}"])
    return rows_of(cells, 1)


def promises(figures: list[Wanted]) -> str:
    """What is promised, and what was measured."""
    cells = [["figure", "at most", "measured", ""]]
    for one in figures:
        measured = NONE if one.measured is None else f"{one.measured:.3f}"
        cells.append([one.name, f"{one.most:g}", measured, "" if one.met else "**missed**"])
    return rows_of(cells, 1)


def page(about: str, systems: list[Measured], figures: list[Wanted], n: int, m: int, few: int) -> str:
    """Everything."""
    pair = [one for one in systems if one.has("pair_server")]
    lines = [f"{one.title}: server {times(one, 'pair_server')}, client {times(one, 'pair_client')}" for one in pair]
    balanced = f"CPU-µs for each of the {n + m:,} entries and members: " + "; ".join(lines) + "." if pair else ""
    parts = [about, per_item(systems), checks(systems, few, m), bytes_per_item(systems), balanced, one_insurer(systems, n, m), promises(figures)]
    return "\n\n".join(part for part in parts if part) + "\n"

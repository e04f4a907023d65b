"""The data: a list of entries and the members that are compared with it, the same for every system and in every run."""

import random
from dataclasses import dataclass
from pathlib import Path

# One member in so many is on the list.
ONE_IN = 20


@dataclass(frozen=True)
class People:
    """Tables with one column, `nir`: social security numbers of people who do not exist."""

    entries: Path
    members: Path
    few: Path
    one: Path
    count_entries: int
    count_members: int
    count_few: int

    @property
    def affected(self) -> int:
        """How many of `members` are on the list."""
        return min(self.count_members // ONE_IN, self.count_entries)

    @property
    def few_affected(self) -> int:
        """How many of `few` are."""
        return min(self.count_few // ONE_IN, self.affected)


def number(n: int) -> str:
    """The social security number of the n-th person: men born in June 1980, in any commune. n is below 100,000,000."""
    return f"18006{n:08d}"


def make(folder: Path, entries: int, members: int) -> People:
    """Writes the tables. Rows are in no order; `few` are a twentieth of the members, and hold a twentieth of the affected."""
    draw = random.Random(1)
    affected = min(members // ONE_IN, entries)
    listed = list(range(entries))
    draw.shuffle(listed)
    strangers = list(range(entries, entries + members - affected))
    few = max(members // ONE_IN, 1)
    few_affected = min(few // ONE_IN, affected)
    asked_few = listed[:few_affected] + strangers[: few - few_affected]
    asked = listed[:affected] + strangers
    for table in (listed, asked, asked_few):
        draw.shuffle(table)
    people = People(folder / "entries.csv", folder / "members.csv", folder / "few.csv", folder / "one.csv", entries, members, few)
    tables = ((people.entries, listed), (people.members, asked), (people.few, asked_few), (people.one, strangers[:1]))
    for path, table in tables:
        path.write_text("nir\n" + "".join(f"{number(n)}\n" for n in table))
    return people

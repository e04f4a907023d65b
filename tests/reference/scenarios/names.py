"""Section 7: names."""

from __future__ import annotations

from typing import Iterator

from .common import Scenario
from .identifiers import person

GOOD = [
    ("plain", "DUPONT", "Marie", "letters"),
    ("lower-case", "dupont", "marie", "a-z become A-Z"),
    ("accents", "Lefèvre", "Zoë", "accents are removed"),
    ("accents-decomposed", "Lefe\u0300vre", "Zoe\u0308", "the same name, decomposed"),
    ("two-marks-on-a-letter", "Nguy\u1ec5n", "Th\u1ecb", "letters with two marks"),
    ("cedilla", "Lança", "François", "a cedilla is a mark too"),
    ("ligature-oe", "Lebœuf", "Œdipe", "œ and Œ"),
    ("ligature-ae", "Læticia", "Ægidius", "æ and Æ"),
    ("ligature-ae-with-accent", "Ǽther", "Lǽtitia", "NFKD makes æ and a mark"),
    ("sharp-s", "Groß", "GRO\u1e9e", "ß and ẞ"),
    ("compatibility-ligatures", "Ra\ufb03n", "\ufb00ion", "NFKD takes ligatures apart"),
    ("fullwidth", "\uff24\uff35\uff30\uff2f\uff2e\uff34", "\uff4darie", "NFKD narrows letters"),
    ("long-s", "De\u017fmoulins", "Ca\u212a", "NFKD makes s of ſ and K of the Kelvin sign"),
    ("roman-numeral", "Dupont \u2163", "Louis", "NFKD makes IV of one character"),
    ("dutch-ij", "\u0132sbrand", "Gij\u0133s", "NFKD takes Ĳ and ĳ apart"),
    ("hyphens", "Dupont-Durand", "Jean-Luc", "hyphens become spaces"),
    ("apostrophes", "D'Alembert", "O’Neil", "apostrophes become spaces"),
    ("every-separator", "a\tb c'd`e\u00b4f\u02bcg\u2018h\u2019i-j\u2010k", "a\u2011b\u2012c\u2013d\u2212e", "all that becomes a space"),
    ("no-break-spaces", "De\u00a0La\u202fTour", "Anne\u2003Marie", "NFKD makes spaces of them"),
    ("run-of-separators", "D' - ’ Urville", "Jules  Sébastien", "a run becomes one space"),
    ("separators-at-the-ends", " 'Dupont- ", "-Marie\u2019", "none is left at either end"),
    ("n-with-apostrophe", "\u0149ame", "Marie", "NFKD makes U+02BC and n, which makes a space"),
    ("given-name-cut-at-comma", "Dupont", "Marie, Anne, Élise", "the first of several given names"),
    ("given-name-not-cut-at-space", "Dupont", "Marie Anne", "a space separates nothing"),
    ("given-name-space-before-comma", "Dupont", "Marie ,Anne", "no space is left at the end"),
    ("given-name-bad-after-comma", "Dupont", "Marie, 2e prénom: \u4e2d", "what follows the comma does not matter"),
    ("one-letter", "O", "A", "one letter is a name"),
    ("100-bytes", "A" * 100, "B", "the longest field"),
    ("100-bytes-after-trimming", "  " + "A" * 100 + " ", "B", "the field is measured at the end"),
    ("200-characters", "A" + "\u0301" * 199, "B", "the longest value as given"),
    ("200-characters-given-name", "B", "A," + "x" * 198, "the length is that before the cut"),
    ("200-characters-beyond-16-bits", "B", "A," + "\U0001f642" * 198, "scalar values are counted, not bytes or 16-bit units"),
]

BAD = [
    ("empty", "", "Marie", ["empty"], "nothing"),
    ("empty-given-name", "Dupont", "", ["empty"], "nothing"),
    ("only-apostrophes", "''’’", "Marie", ["empty"], "nothing is left"),
    ("only-spaces", "Dupont", " \u00a0\t", ["empty"], "nothing is left"),
    ("only-marks", "\u0301\u0308", "Marie", ["empty"], "nothing is left"),
    ("given-name-begins-with-comma", "Dupont", ",Marie", ["empty"], "nothing before the comma"),
    ("comma-in-birth-name", "Dupont, Durand", "Marie", ["name-comma"], "only given names are cut"),
    ("comma-from-nfkd", "Dupont", "Marie\uff0cAnne", ["name-comma"], "NFKD makes a comma of U+FF0C, after the cut"),
    ("small-comma-from-nfkd", "Dupont\ufe50", "Marie", ["name-comma"], "NFKD makes a comma of U+FE50"),
    ("digit-comma-from-nfkd", "Dupont", "Marie\U0001f101", ["name-comma", "name-character"], "NFKD makes a zero and a comma of U+1F101"),
    ("digit", "Dupont2", "Marie", ["name-character"], "a digit"),
    ("dot", "Dupont", "M.", ["name-character"], "a dot"),
    ("em-dash", "Dupont\u2014Durand", "Marie", ["name-character"], "U+2014 is no separator"),
    ("stroke", "Łukasz", "Marie", ["name-character"], "Ł has no decomposition"),
    ("slashed-o", "Sørensen", "Marie", ["name-character"], "ø has no decomposition"),
    ("dotless-i", "Kılıç", "Marie", ["name-character"], "ı is not i"),
    ("cyrillic", "Dupont", "М\u0430rie", ["name-character"], "letters that only look like Latin ones"),
    ("han", "王", "Marie", ["name-character"], "another script"),
    ("mark-beyond-the-range", "Dupont\u20d7", "Marie", ["name-character"], "only U+0300-036F are removed"),
    ("zero-width-space", "Du\u200bpont", "Marie", ["name-character"], "nothing invisible is removed"),
    ("newline", "Du\npont", "Marie", ["name-character"], "a newline is no separator"),
    ("101-bytes", "A" * 101, "B", ["name-length"], "one byte too many"),
    ("101-bytes-by-expansion", "Œ" * 50 + "A", "B", ["name-length"], "measured when all is done"),
    ("201-characters", "A" + "\u0301" * 200, "B", ["name-length"], "one character too many as given"),
    ("201-characters-given-name", "B", "A," + "x" * 199, ["name-length"], "the length is that before the cut"),
    ("201-spaces", " " * 201, "B", ["name-length", "empty"], "of several reasons any may be given"),
]  # fmt: skip


def scenarios() -> Iterator[Scenario]:
    for name, birth_name, given_name, about in GOOD:
        yield person("person", f"name-{name}", f"names: {about}", fields(birth_name, given_name))
    for name, birth_name, given_name, reasons, about in BAD:
        yield person("person", f"name-refused-{name}", f"no name: {about}", fields(birth_name, given_name), reasons)
    for name, date in [("day", "1985-02-00"), ("day-and-month", "00/00/1985")]:
        about = "a name and a part of a date are too weak"
        yield person("person", f"person-refused-{name}-not-known", about, fields("Dupont", "Marie", date), ["date-incomplete"])
    about = "of several reasons any may be given"
    dateless = fields("Dupont", "Marie", "1985-00-01")
    yield person("person", "person-refused-month-not-known", about, dateless, ["date-month", "date-incomplete"])
    about = "every column is held to its rule"
    yield person("person", "person-refused-date", about, fields("Dupont", "Marie", "30/02/1985"), ["date-day"])


def fields(birth_name: str, given_name: str, birth_date: str = "01/02/1985") -> dict[str, str | None]:
    return {"birth_name": birth_name, "given_name": given_name, "birth_date": birth_date}

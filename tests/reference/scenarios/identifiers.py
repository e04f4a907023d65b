"""Section 7: NIRs, dates and ranks, and canaries. Names are in names.py."""

from __future__ import annotations

from typing import Iterator

from .common import Scenario, bytes_for, refused

NIR = "1850506234567"  # key 47
CORSICA_A, CORSICA_B = "285052A234567", "285052B234567"

GOOD_NIRS = [
    ("13-characters", NIR, "without a key"),
    ("15-characters", NIR + "47", "the key is checked, and is not part of the field"),
    ("spaced", "1 85 05 06 234 567 47", "as it is printed on the card"),
    ("every-removed-character", "\t1\u00a085\u200705\u200906\u202f2.3-4\u20105\u20116\u20127\u2013 ", "all characters that are removed"),
    ("corsica-2a", CORSICA_A, "a letter in the department"),
    ("corsica-2b-lower-case", CORSICA_B.lower(), "b becomes B"),
    ("corsica-2a-with-key", CORSICA_A + "{key}", "2A counts as 19"),
    ("corsica-2b-with-key", CORSICA_B.lower() + "{key}", "2B counts as 18"),
    ("month-01", "1850106234567", "the first month"),
    ("month-12", "1851206234567", "the last month of the calendar"),
    ("month-20", "1852006234567", "20 to 42 stand for what a civil record does not know"),
    ("month-42", "1854206234567", "20 to 42 stand for what a civil record does not know"),
    ("month-50", "1855006234567", "50 to 99 likewise"),
    ("month-99", "1859906234567", "50 to 99 likewise"),
    ("born-abroad", "2700599351001{key}", "department 99"),
    ("department-00", "1850500234567", "there is no rule for the digits of a department"),
    *((f"sex-{digit}", digit + NIR[1:], "1, 2, 3, 4, 7 and 8 are first digits") for digit in "23478"),
]

BAD_NIRS = [
    ("empty", "", ["empty"], "nothing"),
    ("only-removed-characters", " \u00a0-.\u2013", ["empty"], "nothing is left"),
    ("letter", "18505O6234567", ["nir-character"], "the letter O for a zero"),
    ("slash", "185/0506234567", ["nir-character"], "a separator that is not removed"),
    ("em-dash", "185\u20140506234567", ["nir-character"], "U+2014 is not removed"),
    ("digit-of-another-script", "185050623456\u0667", ["nir-character"], "digits of ASCII only"),
    ("fullwidth-digits", "\uff11850506234567", ["nir-character"], "a NIR is not normalised"),
    ("letter-in-another-place", "1850A06234567", ["nir-character"], "A outside the department"),
    ("letter-in-the-key", NIR + "4B", ["nir-character"], "B in the key"),
    ("scientific", "1,85E+14", ["nir-rounded"], "what a spreadsheet makes of a NIR"),
    ("scientific-with-dot", "1.85050623456761e14", ["nir-rounded"], "likewise, in another language and with all digits"),
    ("scientific-trimmed", " \u00a01.85E14\t", ["nir-rounded"], "likewise, with space around it"),
    ("scientific-and-more", "1,85E+14 x", ["nir-character"], "only the text as a whole counts"),
    ("scientific-without-a-digit-first", ",85E+14", ["nir-character"], "such a number begins with a digit"),
    ("12-characters", NIR[:12], ["nir-length"], "one too few"),
    ("14-characters", NIR + "4", ["nir-length"], "half a key"),
    ("16-characters", NIR + "470", ["nir-length"], "one too many"),
    ("department-letter-after-1", "185051A234567", ["nir-department"], "A after another digit than 2"),
    ("department-letter-first", "18505A2234567", ["nir-department"], "A as the first character of the department"),
    ("department-two-letters", "18505AB234567", ["nir-department"], "two letters"),
    *((f"sex-{digit}", digit + NIR[1:], ["nir-sex"], "no first digit") for digit in "0569"),
    *(
        (f"month-{month}", f"185{month}06234567", ["nir-month"], "no month")
        for month in ("00", "13", "19", "43", "49")
    ),
    ("key", NIR + "48", ["nir-key"], "another key"),
    ("key-00", NIR + "00", ["nir-key"], "a key is 01 to 97"),
    ("key-98", NIR + "98", ["nir-key"], "a key is 01 to 97"),
    ("key-of-corsica-as-another-digit", CORSICA_A + "{key of 20}", ["nir-key"], "2A counts as 19, not as 20"),
]  # fmt: skip

GOOD_DATES = [
    ("year-first", "1985-02-01", "YYYY-MM-DD"),
    ("digits", "19850201", "YYYYMMDD"),
    ("slashes", "01/02/1985", "DD/MM/YYYY"),
    ("hyphens", "01-02-1985", "DD-MM-YYYY"),
    ("dots", "01.02.1985", "DD.MM.YYYY"),
    ("trimmed", "\u00a0\t 01/02/1985 ", "space around it"),
    ("29-february", "29/02/2000", "a leap year of a whole century"),
    ("year-1800", "1800-01-01", "the first year"),
    ("year-2199", "2199-12-31", "the last year"),
    ("day-not-known", "1985-02-00", "a day that the record does not know"),
    ("day-and-month-not-known", "00/00/1985", "neither day nor month"),
]

BAD_DATES = [
    ("empty", "", ["empty"], "nothing"),
    ("only-space", " \u00a0\t", ["empty"], "nothing is left"),
    ("short-year", "01/02/85", ["date-short-year"], "which century?"),
    ("short-year-dots", "01.02.85", ["date-short-year"], "which century?"),
    ("one-digit-day", "1/02/1985", ["date-format"], "two digits for a day"),
    ("year-first-with-slashes", "1985/02/01", ["date-format"], "the year comes first with hyphens only"),
    ("mixed-separators", "01/02-1985", ["date-format"], "one separator"),
    ("month-name", "1 février 1985", ["date-format"], "a word"),
    ("with-time", "1985-02-01T00:00:00", ["date-format"], "more than a date"),
    ("spreadsheet-number", "31079", ["date-format"], "days since 1900, as a spreadsheet writes dates"),
    ("digits-of-another-script", "0\u0661/02/1985", ["date-format"], "digits of ASCII only"),
    ("space-within", "01/02 /1985", ["date-format"], "space is removed at the ends only"),
    ("no-break-space-narrow", "\u202f01/02/1985", ["date-format"], "U+202F is not trimmed"),
    ("year-1799", "1799-12-31", ["date-year"], "before the first year"),
    ("year-2200", "2200-01-01", ["date-year"], "after the last year"),
    ("year-0000", "0000-01-01", ["date-year"], "a year is always known"),
    ("month-13", "1985-13-01", ["date-month"], "no such month"),
    ("month-00-with-a-day", "1985-00-01", ["date-month"], "a day in a month that is not known"),
    ("american-order", "02/25/1985", ["date-month"], "month first is not guessed"),
    ("day-32", "1985-01-32", ["date-day"], "no such day"),
    ("31-april", "31/04/1985", ["date-day"], "no such day"),
    ("29-february-1985", "29/02/1985", ["date-day"], "no leap year"),
    ("29-february-1900", "29/02/1900", ["date-day"], "a century that is no leap year"),
]

GOOD_RANKS = [
    ("no-column", None, "no such column: 1"),
    ("empty", "", "nothing: 1"),
    ("only-space", " \u00a0\t", "nothing is left: 1"),
    ("two", "2", "a twin"),
    ("nine", "9", "the last rank"),
    ("zero-first", "02", "one 0 may come first"),
    ("trimmed", " 3 ", "space around it"),
]

BAD_RANKS = [("zero", "0"), ("ten", "10"), ("two-zeros", "002"), ("zero-zero", "00"), ("letter", "A"), ("decimal", "1.0"),
             ("digit-of-another-script", "\u0662")]  # fmt: skip


def scenarios() -> Iterator[Scenario]:
    for name, nir, about in GOOD_NIRS:
        yield person("nir", f"nir-{name}", f"NIR: {about}", {"nir": with_key(nir)})
    for name, nir, reasons, about in BAD_NIRS:
        yield person("nir", f"nir-refused-{name}", f"no NIR: {about}", {"nir": with_key(nir)}, reasons)
    for name, date, about in GOOD_DATES:
        yield person("beneficiary", f"date-{name}", f"birth date: {about}", beneficiary(birth_date=date))
    for name, date, reasons, about in BAD_DATES:
        yield person("beneficiary", f"date-refused-{name}", f"no birth date: {about}", beneficiary(birth_date=date), reasons)
    for name, rank, about in GOOD_RANKS:
        yield person("beneficiary", f"rank-{name}", f"birth rank: {about}", beneficiary(birth_rank=rank))
    for name, rank in BAD_RANKS:
        yield person("beneficiary", f"rank-refused-{name}", "no birth rank", beneficiary(birth_rank=rank), ["rank"])
    about = "every column is held to its rule"
    yield person("beneficiary", "beneficiary-refused-nir", about, beneficiary(nir="9" + NIR[1:]), ["nir-sex"])
    about = "of several reasons any may be given"
    all_three = beneficiary(nir="", birth_date="29/02/1985", birth_rank="0")
    yield person("beneficiary", "beneficiary-refused-all-three", about, all_three, ["empty", "date-day", "rank"])
    for number, scheme in enumerate(["nir", "beneficiary", "person"]):
        members = {"scheme": scheme, "value": bytes_for(f"canary value {number}", 16).hex()}
        yield Scenario("canary", scheme, "the identifier of a canary", ["CAN-1"], members)


def person(scheme: str, name: str, about: str, fields: dict[str, str | None], reasons: list[str] | None = None) -> Scenario:
    members = {"scheme": scheme, "fields": fields}
    return Scenario("identifier", name, about, ["ID-1"], members, refused("identifier", *reasons) if reasons else None)


def beneficiary(**changed: str | None) -> dict[str, str | None]:
    return {"nir": NIR, "birth_date": "1985-02-01", "birth_rank": "1", **changed}


def with_key(nir: str) -> str:
    """Replaces `{key}` by the key, and `{key of 20}` by the one that 2A has if it is taken for 20."""
    number, brace, rest = nir.partition("{")
    if not brace:
        return nir
    counted = {"2A": "20" if rest.endswith("20}") else "19", "2B": "18"}
    department = number[5:7].upper()
    digits = number[:5] + counted.get(department, department) + number[7:]
    return number + f"{97 - int(digits) % 97:02}"

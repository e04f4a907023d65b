"""SPEC.md section 7: from a row's values to an identifier, or to the reason why it is rejected. Nothing is guessed. [ID-1]"""

from __future__ import annotations

import re
import unicodedata
from typing import Mapping

from .errors import Refused
from .text import BENEFICIARY, NIR, PERSON, days_in

COLUMNS = {
    NIR: ["nir"],
    BENEFICIARY: ["nir", "birth_date", "birth_rank"],
    PERSON: ["birth_name", "given_name", "birth_date"],
}

IGNORED_IN_NIR = "\u0009\u0020\u00a0\u2007\u2009\u202f.-\u2010\u2011\u2012\u2013"
TRIMMED = "\u0020\u0009\u00a0"
SPACES_IN_NAMES = "\u0009\u0020\u0027\u0060\u00b4\u02bc\u2018\u2019\u002d\u2010\u2011\u2012\u2013\u2212"
LIGATURES = {"œ": "OE", "Œ": "OE", "æ": "AE", "Æ": "AE", "ß": "SS", "ẞ": "SS"}


def identifier(scheme: int, fields: Mapping[str, str | None]) -> bytes:
    """The identifier of a person, from the columns of its scheme."""
    return _identifier(scheme, [field.encode("ascii") for field in normalised(scheme, fields)])


def canary(scheme: int, value: bytes) -> bytes:
    """The identifier of a canary, from a value of the epoch record."""
    return _identifier(0x80 + scheme, [value])


def normalised(scheme: int, fields: Mapping[str, str | None]) -> list[str]:
    """The fields of the identifier, in order. Only the column of ranks may be missing: None."""
    absent = {column for column in COLUMNS[scheme] if fields.get(column) is None}
    if set(fields) != set(COLUMNS[scheme]) or absent - {"birth_rank"}:
        raise ValueError(f"the columns of this scheme are {COLUMNS[scheme]}")
    text = {column: value or "" for column, value in fields.items()}
    if scheme == NIR:
        return [nir(text["nir"])]
    if scheme == BENEFICIARY:
        return [nir(text["nir"]), birth_date(text["birth_date"]), birth_rank(text["birth_rank"])]
    return [name(text["birth_name"]), given_name(text["given_name"]), whole_date(text["birth_date"])]


def nir(text: str) -> str:
    """13 characters, without the key."""
    number = "".join(c for c in text if c not in IGNORED_IN_NIR)
    if not number:
        raise rejected("empty")
    if not re.fullmatch("[0-9ABab]*", number):
        raise rejected("nir-rounded" if _is_scientific(text) else "nir-character")
    number = number.upper()
    if len(number) not in (13, 15):
        raise rejected("nir-length")
    digits = _with_digits_for_corsica(number)
    if digits[0] not in "123478":
        raise rejected("nir-sex")
    month = int(digits[3:5])
    if not (1 <= month <= 12 or 20 <= month <= 42 or 50 <= month <= 99):
        raise rejected("nir-month")
    if len(number) == 15 and int(digits[13:]) != 97 - int(digits[:13]) % 97:
        raise rejected("nir-key")
    return number[:13]


def birth_date(text: str) -> str:
    """8 digits, of which the last two, or four, may be 0 for what is not known."""
    text = text.strip(TRIMMED)
    if not text:
        raise rejected("empty")
    year, month, day = _split_date(text)
    if not 1800 <= year <= 2199:
        raise rejected("date-year")
    if month > 12 or (month == 0 and day != 0):
        raise rejected("date-month")
    if month and day > days_in(year, month):
        raise rejected("date-day")
    return f"{year:04}{month:02}{day:02}"


def whole_date(text: str) -> str:
    """A birth date of which everything is known, as the scheme `person` wants it."""
    date = birth_date(text)
    if date.endswith("00"):
        raise rejected("date-incomplete")
    return date


def birth_rank(text: str) -> str:
    """1 digit; 1 when there is nothing."""
    text = text.strip(TRIMMED)
    if not text:
        return "1"
    if not re.fullmatch("0?[1-9]", text):
        raise rejected("rank")
    return text[-1]


def name(text: str) -> str:
    """A-Z and single spaces."""
    if len(text) > 200:
        raise rejected("name-length")
    return _letters(text)


def given_name(text: str) -> str:
    """The first of several that commas separate; spaces separate nothing."""
    if len(text) > 200:
        raise rejected("name-length")
    return _letters(text.split(",")[0])


def rejected(reason: str) -> Refused:
    return Refused("identifier", reason)


def _identifier(scheme: int, fields: list[bytes]) -> bytes:
    encoded = b"".join(len(field).to_bytes(2, "little") + field for field in fields)
    return b"blindlist/1 identifier\n" + bytes([scheme]) + encoded


def _is_scientific(text: str) -> bool:
    """Whether the text as a whole reads as a number such as 1,85E+14: what a spreadsheet makes of a NIR."""
    return re.fullmatch("[0-9][0-9.,]*[Ee][+-]?[0-9]+", text.strip(TRIMMED)) is not None


def _with_digits_for_corsica(number: str) -> str:
    """The number with 2A as 19 and 2B as 18, the only letters that it may have."""
    department = number[5:7]
    if re.search("[AB]", number[:5] + number[7:]):
        raise rejected("nir-character")
    if re.search("[AB]", department) and department not in ("2A", "2B"):
        raise rejected("nir-department")
    return number[:5] + {"2A": "19", "2B": "18"}.get(department, department) + number[7:]


def _split_date(text: str) -> tuple[int, int, int]:
    """Year, month and day of one of the five forms."""
    if match := re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})|([0-9]{4})([0-9]{2})([0-9]{2})", text):
        year, month, day = (part for part in match.groups() if part is not None)
        return int(year), int(month), int(day)
    if match := re.fullmatch(r"([0-9]{2})([/.-])([0-9]{2})\2([0-9]{4})", text):
        return int(match[4]), int(match[3]), int(match[1])
    if re.fullmatch(r"[0-9]{2}([/.-])[0-9]{2}\1[0-9]{2}|[0-9]{6}", text):
        raise rejected("date-short-year")
    raise rejected("date-format")


def _letters(text: str) -> str:
    """What both kinds of name have in common, from the comma on."""
    text = unicodedata.normalize("NFKD", text)
    if "," in text:
        raise rejected("name-comma")
    text = re.sub("[\u0300-\u036f]", "", text)
    text = "".join(LIGATURES.get(c, c) for c in text)
    text = re.sub("[a-z]", lambda letter: letter[0].upper(), text)
    text = re.sub(f"[{re.escape(SPACES_IN_NAMES)}]+", " ", text).strip(" ")
    if not text:
        raise rejected("empty")
    if not re.fullmatch("[A-Z ]*", text):
        raise rejected("name-character")
    if len(text) > 100:
        raise rejected("name-length")
    return text

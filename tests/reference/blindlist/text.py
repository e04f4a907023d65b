"""SPEC.md section 4: texts and their rules, alone and as types of messages and objects."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from typing import Any

from .encoding import U8, U16, Checked, Named, Struct, Text
from .errors import Refused

NIR, BENEFICIARY, PERSON = 1, 2, 3
SCHEMES = {NIR: "nir", BENEFICIARY: "beneficiary", PERSON: "person"}

# What a title may not hold beside general category Cc: invisible characters and those that change direction.
INVISIBLE = [
    (0x00AD, 0x00AD), (0x061C, 0x061C), (0x180E, 0x180E), (0x200B, 0x200F), (0x2028, 0x202E),
    (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F),
]  # fmt: skip


def is_slug(text: str) -> bool:
    return re.fullmatch("[a-z0-9][a-z0-9_-]{0,63}", text) is not None


def is_title(text: str) -> bool:
    return len(text.encode("utf-8")) <= 200 and not any(map(_hidden, text))


def is_address(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    return (
        len(text.encode("utf-8")) <= 255
        and colon == ":"
        and (re.fullmatch("[A-Za-z0-9._-]+", host) is not None or _is_bracketed_ipv6(host))
        and re.fullmatch("[1-9][0-9]{0,4}", port) is not None
        and int(port) <= 65535
    )


def is_date(date: dict[str, int]) -> bool:
    """`date` of section 4: a real day from 1900 to 2199. Birth dates are section 7's business."""
    return 1900 <= date["year"] <= 2199 and 1 <= date["month"] <= 12 and 1 <= date["day"] <= days_in(date["year"], date["month"])


def days_in(year: int, month: int) -> int:
    """The length of a Gregorian month."""
    if month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return 29 if leap else 28
    return 30 if month in (4, 6, 9, 11) else 31


RULES = {"slug": is_slug, "title": is_title, "address": is_address}

Slug = Text(is_slug)
Title = Text(is_title)
Address = Text(is_address)
Date = Checked(Struct("date", [("year", U16), ("month", U8), ("day", U8)]), is_date)
Scheme = Named(U8, SCHEMES)


def check(kind: str, text: str) -> None:
    """Refuses a text alone that breaks the rule of its kind: `slug`, `title` or `address`. [TEXT-1]"""
    if not RULES[kind](text):
        raise Refused("text", kind)


def check_date(date: dict[str, Any]) -> None:
    """Refuses a date alone."""
    if not is_date(date):
        raise Refused("text", "date")


def _hidden(character: str) -> bool:
    code = ord(character)
    return unicodedata.category(character) == "Cc" or any(first <= code <= last for first, last in INVISIBLE)


def _is_bracketed_ipv6(host: str) -> bool:
    if not (host.startswith("[") and host.endswith("]")) or "%" in host:
        return False  # "%" begins a zone
    try:
        ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True

"""Section 4: texts alone."""

from __future__ import annotations

from typing import Iterator

from .common import Scenario, refused

LONGEST_HOST = "h" * 249  # 249 + ":" + 5 digits = 255 bytes
NEIGHBOURS = "\u00a0\u00ae\u061b\u200a\u2010\u2027\u202f\u205f\u2070\ufffc\ufffd"

GOOD = [
    ("slug", "one-character", "a", "one letter is a slug"),
    ("slug", "one-digit", "7", "a slug may begin with a digit"),
    ("slug", "every-character", "0aziq9_-_-", "digits, letters, underscores and hyphens"),
    ("slug", "64-characters", "s" * 64, "the longest slug"),
    ("title", "empty", "", "a title may be empty"),
    ("title", "accents-and-symbols", "Fuite d’août 2026 — 1 234 assurés (œ, 漢, 🙂) <b>&amp;", "any visible text is a title"),
    ("title", "200-bytes", "t" * 200, "the longest title"),
    ("title", "200-bytes-of-two-byte-characters", "é" * 100, "the length is counted in bytes"),
    ("title", "neighbours-of-what-is-not-allowed", NEIGHBOURS, "the characters beside the ranges"),
    ("title", "formula", "=1+1", "a title is escaped where it is shown, not refused"),
    ("address", "name", "blindlist.example.org:4433", "a DNS name"),
    ("address", "every-character-of-a-host", "A-z_0.9:1", "all that a host may have; the lowest port"),
    ("address", "ipv4", "192.0.2.1:65535", "an IPv4 address; the highest port"),
    ("address", "ipv6", "[2001:db8::1]:4433", "an IPv6 address"),
    ("address", "ipv6-loopback", "[::1]:4433", "zeros compressed at the beginning"),
    ("address", "ipv6-unspecified", "[::]:4433", "all groups compressed"),
    ("address", "ipv6-full", "[2001:DB8:0:0:8:800:200C:417A]:4433", "all eight groups, in capitals"),
    ("address", "ipv6-with-ipv4", "[::ffff:192.0.2.128]:4433", "the last two groups as an IPv4 address"),
    ("address", "255-bytes", LONGEST_HOST + ":65535", "the longest address"),
]

BAD = [
    ("slug", "empty", "", "a slug has one character at least"),
    ("slug", "65-characters", "s" * 65, "one character too many"),
    ("slug", "begins-with-a-hyphen", "-a", "a slug begins with a letter or a digit"),
    ("slug", "begins-with-an-underscore", "_a", "a slug begins with a letter or a digit"),
    ("slug", "capital", "Abc", "capitals"),
    ("slug", "accent", "été", "letters of ASCII only"),
    ("slug", "space", "a b", "a space"),
    ("slug", "dot", "a.b", "a dot"),
    ("slug", "newline-at-the-end", "abc\n", "a rule that matches lines instead of texts would let this through"),
    ("slug", "digit-of-another-script", "a\u0663", "digits of ASCII only"),
    ("title", "201-bytes", "t" * 201, "one byte too many"),
    ("title", "201-bytes-in-101-characters", "é" * 100 + "t", "the length is counted in bytes"),
    ("title", "newline", "a\nb", "control characters"),
    ("title", "escape", "\u001b[31m", "the beginning of a terminal's sequences"),
    ("title", "nul", "a\u0000", "control characters"),
    ("title", "delete", "a\u007f", "control characters"),
    ("title", "c1-control", "a\u009bb", "control characters of the second set"),
    ("title", "soft-hyphen", "a\u00adb", "U+00AD"),
    ("title", "arabic-letter-mark", "a\u061cb", "U+061C"),
    ("title", "mongolian-vowel-separator", "a\u180eb", "U+180E"),
    ("title", "zero-width-space", "a\u200bb", "the first of U+200B-200F"),
    ("title", "right-to-left-mark", "a\u200fb", "the last of U+200B-200F"),
    ("title", "line-separator", "a\u2028b", "the first of U+2028-202E"),
    ("title", "right-to-left-override", "a\u202eb", "the last of U+2028-202E"),
    ("title", "word-joiner", "a\u2060b", "the first of U+2060-206F"),
    ("title", "nominal-digit-shapes", "a\u206fb", "the last of U+2060-206F"),
    ("title", "byte-order-mark", "\ufeffa", "U+FEFF"),
    ("title", "annotation-anchor", "a\ufff9b", "the first of U+FFF9-FFFB"),
    ("title", "annotation-terminator", "a\ufffbb", "the last of U+FFF9-FFFB"),
    ("title", "tag-first", "a\U000e0000b", "the first of U+E0000-E007F"),
    ("title", "tag-last", "a\U000e007fb", "the last of U+E0000-E007F"),
    ("address", "empty", "", "nothing"),
    ("address", "no-port", "example.org", "the port is not optional"),
    ("address", "empty-port", "example.org:", "the port is not optional"),
    ("address", "empty-host", ":4433", "the host is not optional"),
    ("address", "port-0", "example.org:0", "ports begin at 1"),
    ("address", "port-65536", "example.org:65536", "ports end at 65535"),
    ("address", "port-with-leading-zero", "example.org:04433", "leading zeros"),
    ("address", "port-with-sign", "example.org:+4433", "a sign"),
    ("address", "port-of-six-digits", "example.org:100000", "too large for 16 bits"),
    ("address", "port-in-another-script", "example.org:\u0664", "digits of ASCII only"),
    ("address", "ipv6-without-brackets", "::1:4433", "colons in a host need brackets"),
    ("address", "ipv6-with-zone", "[fe80::1%eth0]:4433", "a zone means something on one machine only"),
    ("address", "ipv6-twice-compressed", "[1::2::3]:4433", "`::` may stand once"),
    ("address", "ipv6-nothing-left-to-compress", "[1:2:3:4::5:6:7:8]:4433", "`::` stands for a group at least"),
    ("address", "ipv6-nine-groups", "[1:2:3:4:5:6:7:8:9]:4433", "too many groups"),
    ("address", "ipv6-group-of-five-digits", "[2001:db8::12345]:4433", "a group has at most four digits"),
    ("address", "ipv6-bracket-open", "[::1:4433", "a bracket is missing"),
    ("address", "ipv4-in-brackets", "[192.0.2.1]:4433", "brackets are for IPv6"),
    ("address", "nothing-in-brackets", "[]:4433", "brackets are for IPv6"),
    ("address", "name-beyond-ascii", "société.example:4433", "letters of ASCII only"),
    ("address", "space", "example.org :4433", "a space"),
    ("address", "slash", "example.org/x:4433", "a slash"),
    ("address", "newline-at-the-end", "example.org:4433\n", "a line is not a text"),
    ("address", "256-bytes", LONGEST_HOST + "h:65535", "one byte too many"),
]  # fmt: skip


def scenarios() -> Iterator[Scenario]:
    for kind, name, text, about in GOOD:
        yield Scenario("text", f"{kind}-{name}", f"{kind}: {about}", ["TEXT-1"], {"type": kind, "text": text})
    for kind, name, text, about in BAD:
        expect = refused("text", kind)
        yield Scenario("text", f"{kind}-refused-{name}", f"no {kind}: {about}", ["TEXT-1"], {"type": kind, "text": text}, expect)

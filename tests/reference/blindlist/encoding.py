"""SPEC.md section 3: the encoding of messages and of the bodies of signed objects, and the JSON form of the test vectors.

A type is an object with four methods: `encode` and `read` for the bytes, `to_json` and `from_json` for vectors/README.md.
Values are plain Python: int, bytes, str, list, None, dict (structures), tuple (tuples), and (name, value) for choices.
`encode` does not ask whether a value keeps the rules of a `Checked` or `Text` type, so that bad messages can be made with it;
`read` does. A value that does not fit its type at all is a mistake of the caller: ValueError, never Refused.
"""

from __future__ import annotations

from typing import Any, Callable, Sequence

from .errors import Refused

MALFORMED = ("encoding", "malformed")


def decode(kind: Type, data: bytes, limit: int) -> Any:
    """The value that `data` encodes, all of it. [ENC-1] [ENC-2]"""
    if len(data) > limit:
        raise Refused("encoding", "too-large")
    reader = Reader(data)
    value = kind.read(reader)
    if reader.left():
        raise Refused("encoding", "trailing")
    return value


def to_json(kind: Type, value: Any) -> Any:
    """The value as vectors/README.md writes it."""
    return kind.to_json(value)


def from_json(kind: Type, json: Any) -> Any:
    """The value that `to_json` wrote; ValueError for any other JSON."""
    return kind.from_json(json)


class Reader:
    """Takes bytes from the front; never more than there are, whatever a length says. [ENC-3]"""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def left(self) -> int:
        return len(self.data) - self.position

    def take(self, length: int) -> bytes:
        if length > self.left():
            raise Refused(*MALFORMED)
        taken = self.data[self.position : self.position + length]
        self.position += length
        return taken

    def integer(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")


class Type:
    """What every type can do."""

    def encode(self, value: Any) -> bytes:
        raise NotImplementedError

    def read(self, reader: Reader) -> Any:
        raise NotImplementedError

    def to_json(self, value: Any) -> Any:
        raise NotImplementedError

    def from_json(self, json: Any) -> Any:
        raise NotImplementedError


class Unsigned(Type):
    """`u8` … `u64`: little-endian. [NOTE-1]"""

    def __init__(self, width: int) -> None:
        self.width = width

    def encode(self, value: int) -> bytes:
        try:
            return value.to_bytes(self.width, "little")
        except OverflowError as error:
            raise ValueError(f"{value} is no integer of {self.width} bytes") from error

    def read(self, reader: Reader) -> int:
        return reader.integer(self.width)

    def to_json(self, value: int) -> int:
        return value

    def from_json(self, json: Any) -> int:
        if type(json) is not int or not 0 <= json < 1 << 8 * self.width:
            raise ValueError(f"{json!r} is no integer of {self.width} bytes")
        return json


U8, U16, U32, U64 = Unsigned(1), Unsigned(2), Unsigned(4), Unsigned(8)


class Fixed(Type):
    """`[u8; n]`, ids, digests, elements, keys, proofs, signatures."""

    def __init__(self, length: int) -> None:
        self.length = length

    def encode(self, value: bytes) -> bytes:
        if len(value) != self.length:
            raise ValueError(f"{len(value)} bytes where there should be {self.length}")
        return bytes(value)

    def read(self, reader: Reader) -> bytes:
        return reader.take(self.length)

    def to_json(self, value: bytes) -> str:
        return value.hex()

    def from_json(self, json: Any) -> bytes:
        return self.encode(bytes_from_hex(json))


class _Bytes(Type):
    """`bytes`, and `list of u8`, which has the same encoding and the same JSON."""

    def encode(self, value: bytes) -> bytes:
        return U64.encode(len(value)) + bytes(value)

    def read(self, reader: Reader) -> bytes:
        return reader.take(U64.read(reader))

    def to_json(self, value: bytes) -> str:
        return value.hex()

    def from_json(self, json: Any) -> bytes:
        return bytes_from_hex(json)


Bytes = _Bytes()


class Text(Type):
    """`text`: UTF-8, and the rule of section 4, if there is one: a predicate."""

    def __init__(self, rule: Callable[[str], bool] | None = None) -> None:
        self.rule = rule

    def encode(self, value: str) -> bytes:
        return Bytes.encode(value.encode("utf-8"))

    def read(self, reader: Reader) -> str:
        try:
            text = Bytes.read(reader).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refused(*MALFORMED) from error
        if self.rule and not self.rule(text):
            raise Refused(*MALFORMED)  # [TEXT-1]
        return text

    def to_json(self, value: str) -> str:
        return value

    def from_json(self, json: Any) -> str:
        if type(json) is not str:
            raise ValueError(f"{json!r} is no text")
        return json


class List(Type):
    """`list of T`."""

    def __init__(self, item: Type) -> None:
        self.item = item

    def encode(self, value: Sequence[Any]) -> bytes:
        return U64.encode(len(value)) + b"".join(self.item.encode(item) for item in value)

    def read(self, reader: Reader) -> list[Any]:
        count = U64.read(reader)
        if count > reader.left():  # every T of SPEC.md has at least one byte
            raise Refused(*MALFORMED)
        return [self.item.read(reader) for _ in range(count)]

    def to_json(self, value: Sequence[Any]) -> list[Any]:
        return [self.item.to_json(item) for item in value]

    def from_json(self, json: Any) -> list[Any]:
        return [self.item.from_json(item) for item in array(json)]


class Array(Type):
    """`[T; n]`: n times T, without a length."""

    def __init__(self, count: int, item: Type) -> None:
        self.count = count
        self.item = item

    def encode(self, value: Sequence[Any]) -> bytes:
        if len(value) != self.count:
            raise ValueError(f"{len(value)} items where there should be {self.count}")
        return b"".join(self.item.encode(item) for item in value)

    def read(self, reader: Reader) -> list[Any]:
        return [self.item.read(reader) for _ in range(self.count)]

    def to_json(self, value: Sequence[Any]) -> list[Any]:
        return [self.item.to_json(item) for item in value]

    def from_json(self, json: Any) -> list[Any]:
        return [self.item.from_json(item) for item in array(json, self.count)]


class Option(Type):
    """`option of T`: None or a value."""

    def __init__(self, some: Type) -> None:
        self.some = some

    def encode(self, value: Any) -> bytes:
        return b"\0" if value is None else b"\1" + self.some.encode(value)

    def read(self, reader: Reader) -> Any:
        tag = U8.read(reader)
        if tag > 1:
            raise Refused(*MALFORMED)
        return self.some.read(reader) if tag else None

    def to_json(self, value: Any) -> Any:
        return None if value is None else self.some.to_json(value)

    def from_json(self, json: Any) -> Any:
        return None if json is None else self.some.from_json(json)


class Struct(Type):
    """A structure: its fields in their order. Values are dicts."""

    def __init__(self, name: str, fields: Sequence[tuple[str, Type]]) -> None:
        self.name = name
        self.fields = list(fields)

    def encode(self, value: dict[str, Any]) -> bytes:
        members(value, [name for name, _ in self.fields], self.name)
        return b"".join(kind.encode(value[name]) for name, kind in self.fields)

    def read(self, reader: Reader) -> dict[str, Any]:
        return {name: kind.read(reader) for name, kind in self.fields}

    def to_json(self, value: dict[str, Any]) -> dict[str, Any]:
        return {name: kind.to_json(value[name]) for name, kind in self.fields}

    def from_json(self, json: Any) -> dict[str, Any]:
        members(json, [name for name, _ in self.fields], self.name)
        return {name: kind.from_json(json[name]) for name, kind in self.fields}


class Tuple(Type):
    """A structure whose fields have no names here. Values are tuples."""

    def __init__(self, *items: Type) -> None:
        self.items = items

    def encode(self, value: Sequence[Any]) -> bytes:
        if len(value) != len(self.items):
            raise ValueError(f"{len(value)} items where there should be {len(self.items)}")
        return b"".join(kind.encode(item) for kind, item in zip(self.items, value))

    def read(self, reader: Reader) -> tuple[Any, ...]:
        return tuple(kind.read(reader) for kind in self.items)

    def to_json(self, value: Sequence[Any]) -> list[Any]:
        return [kind.to_json(item) for kind, item in zip(self.items, value, strict=True)]

    def from_json(self, json: Any) -> tuple[Any, ...]:
        return tuple(kind.from_json(item) for kind, item in zip(self.items, array(json, len(self.items))))


class Choice(Type):
    """A choice: the number of the alternative as LE32, then its fields. Values are (name, value); value is None without fields."""

    def __init__(self, alternatives: Sequence[tuple[str, Type | None]]) -> None:
        self.alternatives = list(alternatives)

    def encode(self, value: tuple[str, Any]) -> bytes:
        name, fields = value
        number = self._number(name)
        kind = self.alternatives[number][1]
        return U32.encode(number) + (kind.encode(fields) if kind else b"")

    def read(self, reader: Reader) -> tuple[str, Any]:
        number = U32.read(reader)
        if number >= len(self.alternatives):
            raise Refused(*MALFORMED)
        name, kind = self.alternatives[number]
        return name, kind.read(reader) if kind else None

    def to_json(self, value: tuple[str, Any]) -> Any:
        name, fields = value
        kind = self.alternatives[self._number(name)][1]
        return {name: kind.to_json(fields)} if kind else name

    def from_json(self, json: Any) -> tuple[str, Any]:
        name = next(iter(json)) if type(json) is dict and len(json) == 1 else json
        if type(name) is not str:
            raise ValueError(f"{json!r} is no choice")
        kind = self.alternatives[self._number(name)][1]
        if (kind is None) != (json is name):
            raise ValueError(f"{json!r}: fields are missing or too many")
        return name, kind.from_json(json[name]) if kind else None

    def _number(self, name: str) -> int:
        for number, (alternative, _) in enumerate(self.alternatives):
            if alternative == name:
                return number
        raise ValueError(f"{name!r} is no alternative")


class Named(Type):
    """An integer of which only some values are allowed; the JSON has their names. Values are the integers."""

    def __init__(self, base: Unsigned, names: dict[int, str]) -> None:
        self.base = base
        self.names = names

    def encode(self, value: int) -> bytes:
        return self.base.encode(value)

    def read(self, reader: Reader) -> int:
        value = self.base.read(reader)
        if value not in self.names:
            raise Refused(*MALFORMED)
        return value

    def to_json(self, value: int) -> str:
        return self.names[value]

    def from_json(self, json: Any) -> int:
        for value, name in self.names.items():
            if name == json:
                return value
        raise ValueError(f"{json!r} is none of {list(self.names.values())}")


class Checked(Type):
    """A type with a rule whose breach is malformed: a predicate of the value."""

    def __init__(self, base: Type, rule: Callable[[Any], bool]) -> None:
        self.base = base
        self.rule = rule

    def encode(self, value: Any) -> bytes:
        return self.base.encode(value)

    def read(self, reader: Reader) -> Any:
        value = self.base.read(reader)
        if not self.rule(value):
            raise Refused(*MALFORMED)
        return value

    def to_json(self, value: Any) -> Any:
        return self.base.to_json(value)

    def from_json(self, json: Any) -> Any:
        return self.base.from_json(json)


def bytes_from_hex(json: Any) -> bytes:
    """Lower-case hexadecimal text only."""
    if type(json) is not str or len(json) % 2 or any(c not in "0123456789abcdef" for c in json):
        raise ValueError(f"{json!r} is no lower-case hexadecimal text")
    return bytes.fromhex(json)


def array(json: Any, count: int | None = None) -> list[Any]:
    """A JSON array, of `count` items if that is given."""
    if type(json) is not list or (count is not None and len(json) != count):
        raise ValueError(f"{json!r} is not an array of {'any' if count is None else count} items")
    return json


def members(json: Any, names: Sequence[str], what: str) -> None:
    """Holds a JSON object to exactly these members."""
    if type(json) is not dict or set(json) != set(names):
        raise ValueError(f"{what} should have exactly the members {list(names)}: {json!r}")

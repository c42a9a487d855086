"""The path for new properties: pages that are as declared but for names that no column has.

A new property comes on every event, so this has to be fast: msgspec walks the page and hands out
the bytes of the properties whose names the slow path has met before, while pyarrow's reader skips
them. A page with a name that is not known yet, or with one in a list of objects, does not pass.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from include.entra_logs.normalise.counts import Surprise
from include.entra_logs.normalise.times import Unfit
from include.entra_logs.schema import Group, Many

MOST_NAMES = 64
"""How many new names are learned in one read."""
KINDS = {b"{": "object", b"[": "array", b'"': "string", b"t": "boolean", b"f": "boolean"}

Rest = Callable[[Any], bytes | None]
"""The JSON text of an object's new properties, from its struct."""


@dataclass(frozen=True)
class Drifted:
    """What a page has beside the declared properties."""

    extras: list[str | None]
    """JSON text for `_extra` of each event, in order."""
    surprises: Counter[Surprise]


class DriftedReader:
    """Takes the new properties out of pages of one shape of event."""

    def __init__(self, shape: Group) -> None:
        self._shape = shape
        self._names: dict[str, list[str]] = {}
        self._found: set[Surprise] = set()
        self._compile()

    def learn(self, found: Iterable[Surprise]) -> None:
        """Know the names in `found` from now on, as far as they are new properties of objects."""
        fresh = {
            (surprise.path, surprise.name)
            for surprise in found
            if surprise.name
            and "[]" not in surprise.path
            and surprise.name not in self._names.get(surprise.path, ())
            and surprise.name.isprintable()
            and not set(surprise.name) & {'"', "\\"}
        }
        if fresh and sum(map(len, self._names.values())) + len(fresh) <= MOST_NAMES:
            for path, name in sorted(fresh):
                self._names.setdefault(path, []).append(name)
            self._compile()

    def extras(self, body: bytes) -> Drifted:
        """The new properties of each event; Unfit if there are unknown ones, or other shapes."""
        try:
            events = self._decode(body).value
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise Unfit("a page with more than known new properties") from error
        texts: list[str | None] = []
        met: Counter[Surprise] = Counter()
        for event in events:
            self._found.clear()
            rest = self._rest(event) if event is not None else None
            met.update(self._found)
            texts.append(rest.decode() if rest else None)
        return Drifted(texts, met)

    def _compile(self) -> None:
        event, self._rest = self._object(self._shape, "")
        page = msgspec.defstruct("Page", [("value", list[event | None])])  # type: ignore[valid-type]
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(page).decode

    def _object(self, shape: Group, path: str) -> tuple[type, Rest]:
        """The struct of an object, and what takes the new properties out of it."""
        fields: list[tuple[str, Any, Any]] = []
        inner: list[tuple[str, bytes, Rest]] = []
        new = self._names.get(path, [])
        names = [*shape.members, *new]
        for place, name in enumerate(names):
            field, node = f"f{place}", shape.members.get(name)
            kind: Any = Raw
            here = f"{path}.{name}" if path else name
            if isinstance(node, Group):
                struct, rest = self._object(node, here)
                kind = struct | None
                if any(known == here or known.startswith(here + ".") for known in self._names):
                    inner.append((field, _member(name), rest))
            elif isinstance(node, Many) and isinstance(node.item, Group):
                struct, _ = self._object(node.item, f"{here}[]")
                kind = list[struct | None] | None  # type: ignore[valid-type]
            fields.append((field, kind | UnsetType, UNSET))
        struct = msgspec.defstruct(
            "Found",
            fields,
            rename={f"f{place}": name for place, name in enumerate(names)},
            forbid_unknown_fields=True,
            gc=False,
        )
        own = [
            (f"f{len(shape.members) + place}", _member(name), name)
            for place, name in enumerate(new)
        ]
        return struct, self._taker(path, own, inner)

    def _taker(
        self, path: str, own: list[tuple[str, bytes, str]], inner: list[tuple[str, bytes, Rest]]
    ) -> Rest:
        found = self._found

        def rest(struct: Any) -> bytes | None:
            parts = []
            for field, member, name in own:
                if (raw := getattr(struct, field)) is UNSET:
                    continue
                text = bytes(raw)
                kind = KINDS.get(text[:1]) or ("null" if text == b"null" else "number")
                found.add(Surprise(path, name, kind))
                if kind != "null" and text != b"{}":
                    parts.append(member + text)
            for field, member, inner_rest in inner:
                if (child := getattr(struct, field)) and (inside := inner_rest(child)):
                    parts.append(member + inside)
            return b"{" + b",".join(parts) + b"}" if parts else None

        return rest


def _member(name: str) -> bytes:
    return msgspec.json.encode(name) + b":"

"""Contents: whether two files of other bytes say the same, and where they first say something else.

Content is what a JSON, JSON Lines, CSV or YAML file holds when it is read, the pixels of a PNG, the tensors of a
safetensors file. Measured numbers are within tolerance when they differ by a millionth of the larger one at most;
whole numbers (counts, token ids, seeds) must be equal, and so must settings (YAML).
"""

import csv
import io
import json
import math
import re
import struct
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import PurePosixPath
from typing import NamedTuple

TOLERANCE = 1e-6  # relative
SAME, WITHIN, DIFFERENT = "same content", "within tolerance", "different"
NOTHING = "nothing"
WHOLE = re.compile(r"[+-]?\d+")
LAYOUTS = {  # of tensors, as NumPy calls them; bfloat16 is the upper half of a float32
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "?"},
    **{f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "IU" for size in (1, 2, 4, 8)},
}


class Difference(NamedTuple):
    """One place at which two contents part; `is_near` where both are numbers within tolerance."""

    place: str
    before: object
    now: object
    is_near: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {short(self.before)} published, {short(self.now)} here".removeprefix(": ")


def compare(path: str, before: bytes, now: bytes, is_exact: bool = False) -> tuple[str, str]:
    """A verdict on a file whose bytes differ from the published ones, and the first place that parts."""
    kind = PurePosixPath(path).suffix
    if kind not in KINDS:
        return DIFFERENT, ""
    try:
        found = list(KINDS[kind](before, now))
    except Exception as error:  # a damaged file fails in any way that its reader knows
        return DIFFERENT, f"cannot be read as {kind[1:]}: {str(error) or type(error).__name__}"[:200]
    far = [each for each in found if is_exact or kind == ".yaml" or not each.is_near]
    if far or found:
        return (DIFFERENT, str(far[0])) if far else (WITHIN, str(found[0]))
    return SAME, ""


def differences(place: str, before, now) -> Iterator[Difference]:
    """Every place at which two values, as JSON holds them, part."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys(), key=str):
            inner = f"{place}.{key}".removeprefix(".")
            yield from differences(inner, before.get(key, NOTHING), now.get(key, NOTHING))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from differences(f"{place}.{number}".removeprefix("."), one, other)
    elif isinstance(before, bool) or isinstance(now, bool) or not (_is_number(before) and _is_number(now)):
        if before != now or type(before) is not type(now):
            yield Difference(place, before, now)
    elif not (before == now or math.isnan(before) and math.isnan(now)):
        are_whole = isinstance(before, int) and isinstance(now, int)
        yield Difference(place, before, now, not are_whole and is_near(before, now))


def is_near(one: float, other: float) -> bool:
    """Whether two numbers differ by a millionth of the larger one at most."""
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=0)


def short(value) -> str:
    """A value in one line of at most sixty letters, and a hash by its beginning."""
    if isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
        return value[:12]
    text = value if value is NOTHING else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_number(value) -> bool:
    return isinstance(value, int | float)


def _json(before: bytes, now: bytes) -> Iterator[Difference]:
    yield from differences("", json.loads(before), json.loads(now))


def _json_lines(before: bytes, now: bytes) -> Iterator[Difference]:
    one, other = ([json.loads(line) for line in content.splitlines() if line.strip()] for content in (before, now))
    for number, pair in enumerate(zip_longest(one, other, fillvalue=NOTHING), 1):
        yield from differences(f"row {number}", *pair)


def _yaml(before: bytes, now: bytes) -> Iterator[Difference]:
    import yaml

    yield from differences("", yaml.safe_load(before), yaml.safe_load(now))


def _csv(before: bytes, now: bytes) -> Iterator[Difference]:
    one, other = (list(csv.reader(io.StringIO(content.decode(), newline=""))) for content in (before, now))
    names = one[0] if one and other and one[0] == other[0] else []
    for number, rows in enumerate(zip_longest(one, other, fillvalue=[])):
        for column, cells in enumerate(zip_longest(*rows, fillvalue=NOTHING)):
            if cells[0] != cells[1]:
                name = names[column] if column < len(names) else f"column {column + 1}"
                yield Difference(f"row {number}, {name}", *cells, _are_near(*cells))


def _are_near(one: str, other: str) -> bool:
    """Whether two cells hold numbers within tolerance, and not both whole ones."""
    try:
        return not (WHOLE.fullmatch(one) and WHOLE.fullmatch(other)) and is_near(float(one), float(other))
    except ValueError:
        return False


def _png(before: bytes, now: bytes) -> Iterator[Difference]:
    from PIL import Image

    one, other = (Image.open(io.BytesIO(content)).convert("RGBA") for content in (before, now))
    if one.size != other.size:
        yield Difference("size", one.size, other.size)
    elif (old := one.tobytes()) != (new := other.tobytes()):
        pixels = sum(old[i : i + 4] != new[i : i + 4] for i in range(0, len(old), 4))
        yield Difference("pixels that differ", 0, pixels)


def _tensors(before: bytes, now: bytes) -> Iterator[Difference]:
    one, other = _read_tensors(before), _read_tensors(now)
    for name in sorted(one.keys() | other.keys()):
        old, new = one.get(name, (NOTHING, [])), other.get(name, (NOTHING, []))
        if old[:2] != new[:2]:
            yield Difference(f"tensor {name}", old[:2], new[:2])
        elif old[2] != new[2]:
            yield from _values(name, _numbers(*old), _numbers(*new))


def _read_tensors(content: bytes) -> dict[str, tuple[str, list[int], bytes]]:
    """Kind, shape and bytes of each tensor by its name."""
    (length,) = struct.unpack("<Q", content[:8])
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    header.pop("__metadata__", None)
    return {name: (of["dtype"], of["shape"], body[slice(*of["data_offsets"])]) for name, of in header.items()}


def _numbers(kind: str, shape: list[int], content: bytes):
    import numpy as np

    numbers = np.frombuffer(content, LAYOUTS.get(kind, "<u1"))
    return (numbers.astype("<u4") << 16).view("<f4") if kind == "BF16" else numbers


def _values(name: str, one, other) -> Iterator[Difference]:
    import numpy as np

    parts = ~((one == other) | ((one != one) & (other != other)))
    if parts.any():
        old, new = one[parts].astype("f8"), other[parts].astype("f8")
        with np.errstate(all="ignore"):
            apart = np.abs(old - new) / np.maximum(np.abs(old), np.abs(new))
        near = one.dtype.kind == "f" and bool((apart <= TOLERANCE).all())
        yield Difference(f"tensor {name}, {int(parts.sum())} of {len(one)} values", float(old[0]), float(new[0]), near)


KINDS: dict[str, Callable[[bytes, bytes], Iterator[Difference]]] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".yaml": _yaml,
    ".csv": _csv,
    ".png": _png,
    ".safetensors": _tensors,
}

"""Quantiles of numbers that were not kept: a histogram whose bins grow by a fixed factor.

Each value ≥ 1 falls into the bin ⌈log_γ value⌉ with γ = (1 + α) / (1 − α), so that the middle of a bin is within α of
everything in it: the relative-error sketch of Masson, Rim and Lee (https://www.vldb.org/pvldb/vol12/p2195-masson.pdf,
"DDSketch", §2.1) with sparse bins. Counts are whole numbers, therefore merging is exact: the sketch of a union *is* the
sum of the sketches, whatever the order and grouping, and equal sketches have equal bytes. Sketches that keep samples
(t-digest, KLL) have smaller bins at the tails but do not have this property. Of the libraries that have it, the one of the
paper's authors writes bytes only through protobuf and counts in floats, and histograms of a fixed range reserve all bins
for each of the thousands of groups kept here.
"""

import math
from collections.abc import Iterable

import msgspec

__all__ = ["RELATIVE_ERROR", "Sketch"]

RELATIVE_ERROR = 0.01
"""α: a stated quantile is within this share of the value at its rank."""
_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_PER_LOG = 1 / math.log(_GAMMA)
_ZERO = -1
"""Bin of values below 1."""
_FORMAT = 1


class _Bytes(msgspec.Struct, array_like=True, frozen=True):
    version: int
    total: int
    smallest: int | None
    largest: int | None
    bins: list[tuple[int, int]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Bytes)


class Sketch:
    """How often values of which size occurred. Takes whole numbers ≥ 0 (milliseconds, tokens)."""

    __slots__ = ("_bins", "count", "largest", "smallest", "total")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._bins: dict[int, int] = {}
        self.count = 0
        """Values added."""
        self.total = 0
        """Their sum, exact."""
        self.smallest: int | None = None
        self.largest: int | None = None
        for value in values:
            self.add(value)

    def add(self, value: int) -> None:
        """One value. Raises ValueError for a negative one."""
        if value < 0:
            raise ValueError(f"a sketch takes values of 0 or more, not {value}")
        key = math.ceil(math.log(value) * _PER_LOG) if value else _ZERO
        self._bins[key] = self._bins.get(key, 0) + 1
        self.count += 1
        self.total += value
        if self.smallest is None or value < self.smallest:
            self.smallest = value
        if self.largest is None or value > self.largest:
            self.largest = value

    def merge(self, other: "Sketch") -> None:
        """Add what ``other`` has seen, which stays as it is."""
        for key, count in other._bins.items():
            self._bins[key] = self._bins.get(key, 0) + count
        self.count += other.count
        self.total += other.total
        if other.smallest is not None and (self.smallest is None or other.smallest < self.smallest):
            self.smallest = other.smallest
        if other.largest is not None and (self.largest is None or other.largest > self.largest):
            self.largest = other.largest

    def quantile(self, share: float) -> float | None:
        """The value at rank ⌈``share`` · count⌉ (the first for 0), within ``RELATIVE_ERROR``; None when empty.

        Raises ValueError for a share outside 0..1."""
        if not 0 <= share <= 1:
            raise ValueError(f"a quantile is from 0 to 1, not {share}")
        if self.smallest is None or self.largest is None:
            return None
        rank = max(1, math.ceil(share * self.count))
        reached = 0
        for key in sorted(self._bins):
            reached += self._bins[key]
            if reached >= rank:
                middle = 2 * _GAMMA**key / (_GAMMA + 1) if key != _ZERO else 0.0
                return min(max(middle, float(self.smallest)), float(self.largest))
        raise AssertionError("bins and count disagree")

    @property
    def mean(self) -> float | None:
        """Exact; None when empty."""
        return self.total / self.count if self.count else None

    def to_bytes(self) -> bytes:
        """The same bytes for equal sketches; about three per bin in use."""
        bins = sorted(self._bins.items())
        return _encoder.encode(_Bytes(_FORMAT, self.total, self.smallest, self.largest, bins))

    @classmethod
    def from_bytes(cls, encoded: bytes) -> "Sketch":
        """What ``to_bytes`` wrote. Raises ValueError for anything else."""
        try:
            read = _decoder.decode(encoded)
        except msgspec.DecodeError as error:
            raise ValueError(f"not a sketch: {error}") from error
        sketch = cls()
        if read.version != _FORMAT or any(count < 1 for _, count in read.bins):
            raise ValueError("not a sketch of this format")
        sketch._bins = dict(read.bins)
        sketch.count = sum(sketch._bins.values())
        sketch.total, sketch.smallest, sketch.largest = read.total, read.smallest, read.largest
        if (sketch.smallest is None) != (sketch.count == 0) or (sketch.largest is None) != (sketch.count == 0):
            raise ValueError("not a sketch: its bins and its limits disagree")
        return sketch

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # it changes

    def __repr__(self) -> str:
        return f"Sketch(count={self.count}, total={self.total}, smallest={self.smallest}, largest={self.largest})"

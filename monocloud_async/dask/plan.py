"""The plan of a job: how the rows of each tenant are divided into buckets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs

from .job import SLOTS
from .staging import Staged, StagedPiece

# Buckets have about this many rows: fewer make more objects, more take longer to go on with.
_ROWS = 4000


@attrs.frozen
class Bucket:
    """Rows of a tenant that one task sends.

    Attributes:
        tenant: the tenant's number.
        number: the bucket's number.
        staged: where its rows are, in the order of the input.
        rows: the number of rows.
    """

    tenant: int
    number: int
    staged: Sequence[Staged] = attrs.field(repr=False)
    rows: int

    @property
    def name(self) -> str:
        """Its name in keys and messages."""
        return f"{self.tenant:04}-{self.number:05}"


def bucket_counts(pieces: Iterable[StagedPiece]) -> Mapping[int, int]:
    """Return the number of buckets of each tenant, a power of two, by the number of its rows."""
    rows: Counter[int] = Counter()
    for piece in pieces:
        for segment in piece.segments:
            for (tenant, _), (_, _, count) in segment.index.items():
                rows[tenant] += count
    return {
        tenant: min(1 << max(0, (count - 1) // _ROWS).bit_length(), SLOTS)
        for tenant, count in sorted(rows.items())
    }


def planned(pieces: Iterable[StagedPiece], counts: Mapping[int, int]) -> Sequence[Bucket]:
    """Return the buckets of a job.

    Args:
        pieces: all pieces, in the order of the input.
        counts: the number of buckets of each tenant.
    """
    found: dict[tuple[int, int], list[Staged]] = {}
    for piece in pieces:
        for segment in piece.segments:
            # In the order of tenant and slot, as the rows are in the segment.
            for (tenant, slot), (start, end, rows) in segment.index.items():
                number = slot * counts[tenant] // SLOTS
                staged = found.setdefault((tenant, number), [])
                last = staged[-1] if staged else None
                if last is not None and last.path == segment.path and last.end == start:
                    staged[-1] = attrs.evolve(last, end=end, rows=last.rows + rows)
                else:
                    staged.append(Staged(piece.name, segment.path, start, end, rows))
    return [
        Bucket(tenant, number, staged, sum(one.rows for one in staged))
        for (tenant, number), staged in sorted(found.items())
    ]

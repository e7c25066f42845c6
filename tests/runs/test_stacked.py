"""Pictures become one array; those that are one already are not copied, and only those."""

import numpy as np
import pytest

from xai_jax.runs import batch

WHOLE = np.arange(6 * 4 * 4 * 3, dtype=np.float32).reshape(6, 4, 4, 3).copy()
ROWS = {
    "all in order": (list(WHOLE), True),
    "some in order": ([WHOLE[2], WHOLE[3]], True),
    "the last alone": ([WHOLE[5]], True),
    "backwards": ([WHOLE[3], WHOLE[2]], False),
    "with a gap": ([WHOLE[0], WHOLE[2]], False),
    "twice the same": ([WHOLE[1], WHOLE[1]], False),
    "on their side": ([row.transpose(1, 0, 2) for row in WHOLE[:2]], False),
    "mirrored": ([row[:, ::-1] for row in WHOLE[:2]], False),
    "of their own": ([row.copy() for row in WHOLE], False),
    "one from elsewhere": ([WHOLE[0], WHOLE[1].copy()], False),
}


@pytest.mark.parametrize(("rows", "is_shared"), ROWS.values(), ids=ROWS)
def test_the_rows_are_stacked_and_copied_only_where_they_must_be(rows, is_shared):
    found = batch._stacked(rows)
    np.testing.assert_array_equal(found, np.stack(rows))
    assert np.shares_memory(found, WHOLE) is is_shared

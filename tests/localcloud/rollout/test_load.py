"""The ledger remembers what was promised; answers add up to seconds."""

from __future__ import annotations

import zlib

from localcloud import demo
from localcloud.rollout.load.answers import by_second, percentile
from localcloud.rollout.load.ledger import Ledger, Promise
from localcloud.rollout.load.user import with_comment
from tests.localcloud.rollout.records import answer, failed


def ledger() -> Ledger:
    made = Ledger()
    for number, user in enumerate(("ada", "ada", "bob")):
        made.promise(Promise(receipt=f"r{number}", user=user, at=float(number)))
    return made


def test_what_was_promised_is_lost_until_it_was_seen_read() -> None:
    book = ledger()
    assert book.unread() == ["r0", "r1", "r2"]
    book.reconcile("ada", {"r0": "extracted", "r1": "queued", "r9": "extracted"})
    assert book.unread() == ["r1", "r2"]
    assert book.open() == ["r1", "r2"]
    book.reconcile("ada", {"r0": "extracted", "r1": "needs_review"})
    book.reconcile("bob", {})
    assert book.unread() == ["r2"]
    assert book.counts() == {"extracted": 1, "needs_review": 1, "absent": 1}


def test_a_receipt_that_could_not_be_read_is_final_and_lost_all_the_same() -> None:
    book = ledger()
    book.reconcile("ada", {"r0": "failed", "r1": "extracted"})
    book.reconcile("bob", {"r2": "extracted"})
    assert book.open() == []
    assert book.unread() == ["r0"]


def test_seconds_hold_what_ended_in_them_and_none_is_left_out() -> None:
    seconds = by_second([answer(10.0, "a"), failed(10.2, "b"), answer(12.9, "a", seconds=0.3)])
    assert [(second.at, second.count, second.failed) for second in seconds] == [
        (10, 2, 1), (11, 0, 0), (12, 0, 0), (13, 1, 0)
    ]  # fmt: skip
    assert seconds[0].releases == {"a": 1, "b": 1}
    assert seconds[1].p99 is None
    assert by_second([]) == []


def test_percentiles_look_back_over_their_window() -> None:
    answers = [answer(10.0, "a", seconds=0.9), answer(12.0, "a", seconds=0.1)]
    assert [second.p99 for second in by_second(answers, window=3)] == [0.9, 0.9, 0.9]
    assert [second.p99 for second in by_second(answers, window=2)] == [0.9, 0.9, 0.1]


def test_a_percentile_is_a_value_that_was_there() -> None:
    assert percentile([], 0.99) is None
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(n) for n in range(1, 201)], 0.99) == 198.0


def test_a_new_picture_is_the_same_picture_in_other_bytes() -> None:
    image = demo.RECEIPT.read_bytes()
    one, other = with_comment(image, "one"), with_comment(image, "other")
    assert len({image, one, other}) == 3
    assert one.endswith(image[-12:])
    chunk = one[len(image) - 12 : -12]
    assert chunk[:4] == (len(chunk) - 12).to_bytes(4)
    assert chunk[-4:] == zlib.crc32(chunk[4:-4]).to_bytes(4)

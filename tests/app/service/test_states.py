from __future__ import annotations

import itertools

import pytest
from django.db import IntegrityError, transaction
from support import receipt

from receipts.models import Receipt
from receipts.states import ALLOWED, FINAL, ForbiddenTransitionError, State, move

PAIRS = list(itertools.product(State, State))


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=lambda state: str(state))
def test_only_the_allowed_steps_can_be_taken(user, source: State, target: State) -> None:
    made = receipt(user, state=source, total="1.00")
    if target in ALLOWED[source]:
        assert move(made.id, source=source, target=target)
        assert Receipt.objects.get().state == target
    else:
        with pytest.raises(ForbiddenTransitionError):
            move(made.id, source=source, target=target)


def test_of_two_who_take_the_same_step_one_wins(user) -> None:
    made = receipt(user, state=State.QUEUED)
    assert move(made.id, source=State.QUEUED, target=State.EXTRACTING)
    assert not move(made.id, source=State.QUEUED, target=State.EXTRACTING)


def test_every_state_that_is_not_final_leads_to_a_final_one() -> None:
    reached = set(FINAL)
    for _ in State:
        reached |= {state for state in State if ALLOWED[state] & reached}
    assert reached == set(State)


def test_the_database_refuses_an_unknown_state_and_an_extracted_receipt_without_a_total(user) -> None:
    for fields in ({"state": "lost"}, {"state": State.EXTRACTED, "total": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            receipt(user, **fields)

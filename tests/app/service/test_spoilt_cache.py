"""A cache that holds what nobody put there is a cache that holds nothing."""

from __future__ import annotations

import pytest
from support import read_receipt

from accounts import login
from spendsmart import cache, writes

pytestmark = pytest.mark.django_db(databases=["default", "reader"], transaction=True)
GARBAGE = b"\x80\x04\x95\xff not ours"


def spoil() -> int:
    """Every key in the cache holds garbage now; how many there were."""
    keys = list(cache.client().scan_iter())
    for key in keys:
        cache.client().set(key, GARBAGE, keepttl=True)
    return len(keys)


def test_figures_are_computed_anew_and_kept_again(api, user) -> None:
    read_receipt(user, total="3.00")
    url = "/api/v1/analytics/month/"
    api.get(url)
    assert spoil() >= 2
    assert api.get(url).json()["totals"][0]["total"] == "3.00"
    assert api.get(url).headers["X-Read-From"] == "cache"


def test_a_position_that_is_no_number_is_replaced(user) -> None:
    cache.client().set(writes.position_key(user.pk), GARBAGE)
    assert writes.position_of(user.pk) > 0
    assert int(cache.client().get(writes.position_key(user.pk))) > 0


def test_logging_in_goes_on_and_tries_are_counted_again() -> None:
    who = "somebody"
    for _ in range(login.FREE_TRIES - 1):
        login.take_a_try(who)
    assert spoil() >= 1
    login.take_a_try(who)  # what is spoilt is thrown away
    with pytest.raises(login.Throttled):
        for _ in range(login.FREE_TRIES + 1):
            login.take_a_try(who)


def test_what_is_in_the_cache_is_never_run_as_a_program() -> None:
    assert cache.JsonSerializer().loads(cache.JsonSerializer().dumps([1.5, "a"])) == [1.5, "a"]
    assert cache.JsonSerializer().dumps(3) == 3
    with pytest.raises(cache.redis.DataError):
        cache.JsonSerializer().loads(GARBAGE)

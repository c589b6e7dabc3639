"""The short form of the fault rounds; `make faults` runs the long one."""

import pytest

import kafka_sink
import rounds
import transactions
from checker import Loss, Unopened


def test_nothing_acknowledged_is_lost_when_the_whole_is_killed(tmp_path):
    rounds.whole(tmp_path, rounds=3)


def test_nothing_acknowledged_is_lost_when_one_box_is_killed(tmp_path):
    rounds.apart(tmp_path, rounds=4)


def test_nothing_acknowledged_is_lost_when_the_power_goes(tmp_path):
    rounds.whole(tmp_path, rounds=2, seed=3, power_loss=True)


def test_transactions_are_whole_or_absent_when_the_broker_is_killed(tmp_path):
    transactions.rounds(tmp_path, count=2)


def test_transactions_are_whole_or_absent_when_the_power_goes(tmp_path):
    transactions.rounds(tmp_path, count=2, power_loss=True)


def test_the_kafka_sink_writes_each_record_once_when_the_engine_is_killed(tmp_path):
    kafka_sink.rounds(tmp_path, count=3)


def test_a_kafka_sink_without_transactions_is_noticed(tmp_path):
    """At-least-once writes must fail the same rounds: a check that passes here proves nothing."""
    with pytest.raises(Loss):
        kafka_sink.rounds(tmp_path, count=12, seed=7, exactly_once=False)


def test_a_missing_sync_of_a_transactions_partitions_is_noticed(tmp_path):
    """Without those syncs the same rounds must fail: a check that passes here proves nothing."""
    with pytest.raises(Loss):
        transactions.rounds(tmp_path, count=3, seed=6, power_loss=True, ignored="/written-")


@pytest.mark.parametrize("ignored", ["/broker/", "/store/"])
def test_a_missing_sync_is_noticed(tmp_path, ignored):
    """Without the syncs of one box the same rounds must fail: a check that passes here proves nothing."""
    with pytest.raises((Loss, Unopened)):
        rounds.whole(tmp_path, rounds=3, seed=4, power_loss=True, ignored=ignored)

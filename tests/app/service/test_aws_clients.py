"""Clients of AWS: what they hold of it, and what processes share."""

from __future__ import annotations

import os

from botocore.config import Config

from spendsmart import aws


def test_all_clients_of_a_service_hold_one_description_of_it() -> None:
    one, two = (aws.client("s3", config=Config(read_timeout=seconds)) for seconds in (1, 2))
    assert one is not two
    assert one.meta.service_model.metadata is two.meta.service_model.metadata
    assert type(one.meta.service_model.metadata) is dict


def test_a_description_is_found_though_its_file_is_compressed_and_none_where_there_is_none() -> None:
    assert aws.client("ec2", config=Config()).meta.service_model.operation_names
    assert aws._descriptions().file_loader.load_file("/nowhere/at/all") is None


def test_a_forked_process_has_a_session_of_its_own() -> None:
    before = aws.session()
    assert aws.session() is before
    child = os.fork()
    if not child:
        os._exit(0 if aws.session() is not before else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

"""The account file is followed while the server runs."""

import json
import threading
import time

import pytest
from accounts import EVERYTHING, Account, allow, deny, trust
from botocore.exceptions import ClientError
from expect import refused
from expect_dsql import denied
from treeline import Server
from world import ACCOUNT, READ_ONLY, user

# The server looks every second.
PATIENCE = 10


def eventually(check):
    end = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < end
        time.sleep(0.05)


class Office:
    """A server, and an account whose user ann has what the test gives."""

    def __init__(self, data_dir):
        self.account = Account(ACCOUNT)
        self.ann = self.account.user("ann", allow("dsql:*"))
        self.server = Server(data_dir, self.account)

    def give(self, *documents, **more):
        self.account.json["UserDetailList"].clear()
        self.account.json["AccessKeys"].clear()
        self.account.user("ann", *documents, key=self.ann, **more)
        self.server.write_accounts(self.account)

    def outcome(self, key=None):
        try:
            self.server.client(key or self.ann, "dsql").list_clusters()
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "allowed"

    def becomes(self, outcome, key=None):
        eventually(lambda: self.outcome(key) == outcome)


@pytest.fixture
def office(tmp_path):
    office = Office(tmp_path / "data")
    with office.server:
        yield office


def test_a_change_is_in_force_within_seconds(office):
    assert office.outcome() == "allowed"
    office.give(allow("dsql:GetCluster"))
    office.becomes("AccessDeniedException")
    office.give(managed=[READ_ONLY])
    office.becomes("allowed")
    office.give(allow("dsql:*"), deny("dsql:List*"))
    office.becomes("AccessDeniedException")


def test_keys_come_and_go(office):
    bob = office.account.user("bob", allow("dsql:*"))
    assert office.outcome(bob) == "UnrecognizedClientException"
    office.server.write_accounts(office.account)
    office.becomes("allowed", bob)
    for key in office.account.json["AccessKeys"]:
        if key["UserName"] == "bob":
            key["Status"] = "Inactive"
    office.server.write_accounts(office.account)
    office.becomes("UnrecognizedClientException", bob)
    assert office.outcome() == "allowed"


def test_open_sessions_follow_their_role(office):
    role = office.account.role("app", trust(user("ann")), allow("dsql:*"))
    office.give(EVERYTHING)
    sts = office.server.client(office.ann, "sts")
    session = {"RoleArn": role, "RoleSessionName": "session"}
    eventually(lambda: office.outcome(office.ann) == "allowed" and can(sts.assume_role, session))
    key = office.server.session_key(office.ann, role)
    office.becomes("allowed", key)
    office.account.json["RoleDetailList"][0]["RolePolicyList"] = []
    office.server.write_accounts(office.account)
    office.becomes("AccessDeniedException", key)
    office.account.json["RoleDetailList"] = []
    office.server.write_accounts(office.account)
    office.becomes("UnrecognizedClientException", key)
    refused("AccessDenied", 403, sts.assume_role, **session)


def can(call, arguments):
    try:
        call(**arguments)
    except ClientError:
        return False
    return True


@pytest.mark.parametrize(
    ("break_it", "place"),
    [
        (lambda text: text[: len(text) // 2], "line"),
        (lambda text: "", "line"),
        (lambda text: text.replace("UserName", "User_Name"), "User_Name"),
        (lambda text: text.replace('"Allow"', '"Maybe"'), "Statement[0]: Effect"),
        (lambda text: text.replace('"GroupList": []', '"GroupList": ["none"]'), "none"),
    ],
)
def test_a_broken_file_leaves_the_last_good_one_in_force(office, break_it, place):
    good = office.server.account_file.read_text()
    office.server.write_account_file(break_it(good))

    def told():
        log = office.server.log.read_text()
        return "the account file is broken: the last good one stays in force" in log

    eventually(told)
    (line,) = [line for line in office.server.log.read_text().splitlines() if "is broken" in line]
    assert place in line and office.ann.secret_access_key not in line, line
    assert office.outcome() == "allowed"
    # Nor does a server start with it.
    office.server.stop()
    with pytest.raises(RuntimeError, match="account file"):
        office.server.start()
    office.server.write_account_file(good)
    office.server.start()
    assert office.outcome() == "allowed"


def test_a_file_that_is_gone_or_repaired(office):
    text = office.server.account_file.read_text()
    office.server.account_file.unlink()
    eventually(lambda: "is broken" in office.server.log.read_text())
    assert office.outcome() == "allowed"
    account = json.loads(text)
    account[0]["UserDetailList"][0]["UserPolicyList"] = []
    office.server.write_account_file(json.dumps(account))
    office.becomes("AccessDeniedException")


def test_requests_under_way_never_see_half_a_file(office):
    """Four threads ask without a pause while ann's policies go and come."""
    outcomes, stop = [set() for _ in range(4)], threading.Event()

    def ask(seen):
        client = office.server.client(office.ann, "dsql")
        while not stop.is_set():
            try:
                client.list_clusters()
                seen.add("allowed")
            except ClientError as error:
                seen.add(error.response["Error"]["Code"])
            except Exception as error:  # noqa: BLE001
                seen.add(repr(error))

    threads = [threading.Thread(target=ask, args=[seen]) for seen in outcomes]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            office.give()
            office.becomes("AccessDeniedException")
            office.give(allow("dsql:*"))
            office.becomes("allowed")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert outcomes == [{"allowed", "AccessDeniedException"}] * 4
    denied(office.server.client(office.ann).list_policy_stores)

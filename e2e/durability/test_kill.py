"""What was acknowledged survives `kill -9` at any moment, and nothing is half done."""

import os
import random
import threading
import time

import pytest
from accounts import Account, new_key
from treeline import Server, session
from writer import NAMES, Writer

KILLS = int(os.environ.get("TREELINE_KILLS", "20"))
WRITERS = 6


class Run:
    """Writers that write while the server is killed, and what the server has afterwards."""

    def __init__(self, server, key):
        self.server, self.client = server, server.client(key)
        created = self.client.create_policy_store(validationSettings={"mode": "OFF"})
        self.store = created["policyStoreId"]
        self.up, self.stop = threading.Event(), threading.Event()
        self.up.set()
        self.writers = [
            Writer(self.patient_client(key), self.store, number, self.up, self.stop)
            for number in range(WRITERS)
        ]
        self.restarts = []

    def patient_client(self, key):
        return self.server.client(key, connect_timeout=10, read_timeout=30)

    def restart(self):
        self.up.clear()
        self.server.kill()
        start = time.monotonic()
        self.server.start()
        self.restarts.append(time.monotonic() - start)
        self.up.set()

    def write_and_kill(self):
        """Kills at odd moments, some of them right after the start; the last with no write under
        way."""
        moments = random.Random(KILLS)
        threads = [threading.Thread(target=writer.run) for writer in self.writers]
        for thread in threads:
            thread.start()
        try:
            for number in range(KILLS - 1):
                time.sleep(moments.uniform(0, 0.05) if number % 4 == 3 else moments.uniform(0.2, 1))
                if any(writer.fault for writer in self.writers):
                    break
                self.restart()
            time.sleep(0.2)
        finally:
            self.stop.set()
            self.up.set()
            for thread in threads:
                thread.join(timeout=60)
        assert not any(thread.is_alive() for thread in threads)
        for writer in self.writers:
            if writer.fault:
                raise writer.fault
        self.restart()

    def total(self, name):
        return sum(writer.count[name] for writer in self.writers)

    def alive(self):
        return [policy for writer in self.writers for policy in writer.alive.values()]

    def deleted(self):
        return [policy for writer in self.writers for policy in writer.deleted]

    def call(self, operation, **arguments):
        answer = getattr(self.client, operation)(policyStoreId=self.store, **arguments)
        del answer["ResponseMetadata"]
        return answer

    def decisions(self, wanted):
        """The determining policies for each (resource, version)."""
        found = []
        for start in range(0, len(wanted), 30):
            requests = [
                {
                    "principal": {"entityType": "U", "entityId": "u"},
                    "action": {"actionType": "Action", "actionId": f"v{version}"},
                    "resource": {"entityType": "R", "entityId": resource},
                }
                for resource, version in wanted[start : start + 30]
            ]
            for result in self.call("batch_is_authorized", requests=requests)["results"]:
                assert result["errors"] == []
                policies = [policy["policyId"] for policy in result["determiningPolicies"]]
                assert result["decision"] == ("ALLOW" if policies else "DENY")
                found.append(policies)
        return found


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    session()
    key = new_key("111122223333", "alice")
    with Server(tmp_path_factory.mktemp("durability") / "data", Account.of(key)) as server:
        run = Run(server, key)
        run.write_and_kill()
        yield run


def test_writers_see_no_fault_while_the_server_is_killed(run, record_property):
    assert len(run.restarts) == KILLS
    assert all(writer.count["acknowledged"] > KILLS for writer in run.writers)
    figures = (
        f"durability: {KILLS} kills, {WRITERS} writers,"
        f" {run.total('acknowledged')} writes acknowledged,"
        f" {run.total('in flight')} requests broken off"
        f" (of the changes among them {run.total('applied')} applied,"
        f" {run.total('not applied')} not), {len(run.alive())} policies at the end,"
        f" slowest restart {max(run.restarts):.2f} s"
    )
    record_property("figures", figures)


def test_no_acknowledged_write_is_lost(run, record_property):
    lost = []
    for writer in run.writers:
        for policy in writer.alive.values():
            try:
                writer.compare(policy, run.call("get_policy", policyId=policy.id))
            except (AssertionError, run.client.exceptions.ResourceNotFoundException) as fault:
                lost.append(str(fault))
        found = run.call("get_policy_template", policyTemplateId=writer.template)
        if f'Action::"v{writer.template_version}"' not in found["statement"]:
            lost.append(f"{found['statement']}: version {writer.template_version}")
    for policy in run.deleted():
        try:
            lost.append(f"deleted: {run.call('get_policy', policyId=policy.id)}")
        except run.client.exceptions.ResourceNotFoundException:
            pass
    record_property("figures", f"durability: lost {len(lost)}")
    assert lost == []


def test_the_list_has_exactly_what_was_acknowledged(run):
    pages = run.client.get_paginator("list_policies").paginate(policyStoreId=run.store)
    listed = {item["policyId"]: item for page in pages for item in page["policies"]}
    links = {writer.link for writer in run.writers}
    assert listed.keys() == {policy.id for policy in run.alive()} | links
    for policy in run.alive():
        item = listed[policy.id]
        assert item.pop("definition") == {"static": {"description": f"version {policy.version}"}}
        assert item.pop("name", None) == policy.name
        assert item == policy.answer


def test_every_token_still_gives_its_acknowledged_answer(run):
    for writer in run.writers:
        for arguments, answer in writer.creations:
            assert run.call("create_policy", **arguments) == answer


def test_decisions_agree_with_the_policies(run):
    alive = [(policy.resource, policy.version) for policy in run.alive()]
    assert run.decisions(alive) == [[policy.id] for policy in run.alive()]
    for step in (-1, 1):
        others = [(resource, version + step) for resource, version in alive]
        assert not any(run.decisions(others))
    deleted = [(policy.resource, policy.version) for policy in run.deleted()]
    assert not any(run.decisions(deleted))
    links = [(f"{writer.number}-link", writer.template_version) for writer in run.writers]
    assert run.decisions(links) == [[writer.link] for writer in run.writers]


def test_names_belong_to_the_policies_that_have_them_and_others_are_free(run):
    owners = {policy.name: policy.id for policy in run.alive() if policy.name}
    definition = {"static": {"statement": "permit(principal, action, resource);"}}
    for number in range(WRITERS):
        for name in (f"name/{number}/{n}" for n in range(NAMES)):
            if name in owners:
                assert run.call("get_policy", policyId=name)["policyId"] == owners[name]
                continue
            with pytest.raises(run.client.exceptions.ResourceNotFoundException):
                run.call("get_policy", policyId=name)
            created = run.call("create_policy", definition=definition, name=name)
            run.call("delete_policy", policyId=created["policyId"])


def test_the_server_stops_when_it_is_asked_to(run):
    assert run.server.stop() == 0

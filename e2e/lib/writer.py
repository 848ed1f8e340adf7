"""A client that writes without end and remembers what was acknowledged.

One writer does one thing at a time and is the only one to touch its policies, so when a connection
breaks at most one of its writes is uncertain. A create is sent again with its token until it is
acknowledged. An update or a deletion is looked up instead: it is there as a whole or not at all.
"""

import random
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

import botocore.exceptions as broken

BROKEN = (
    broken.HTTPClientError,
    broken.ConnectionError,
    broken.IncompleteReadError,
    broken.ResponseStreamingError,
)
MAX_ALIVE = 40
NAMES = 6


def statement(resource, version, principal='U::"u"'):
    """The version is in the action, which an update may change and a decision depends on."""
    return (
        f'permit(principal == {principal}, action == Action::"v{version}",'
        f" resource == {resource});"
    )


@dataclass
class Policy:
    """A policy as it is after the last acknowledged write."""

    resource: str
    version: int
    name: str | None
    answer: dict = field(default_factory=dict)

    @property
    def id(self):
        return self.answer["policyId"]

    def definition(self):
        # The version twice: an update that is half done would show.
        text = statement(f'R::"{self.resource}"', self.version)
        return {"static": {"statement": text, "description": f"version {self.version}"}}

    def state(self):
        return self.definition(), self.name


class Wrong(AssertionError):
    """The server does not have what it acknowledged."""


class Writer:
    """`up` is an event that is set while a server may be there; `stop` ends the writing."""

    def __init__(self, client, store, number, up, stop):
        self.client, self.store, self.number = client, store, number
        self.up, self.stop = up, stop
        self.random = random.Random(number)
        self.alive, self.deleted, self.creations = {}, [], []
        self.count = Counter()
        self.created = 0
        self.fault = None
        self.template, self.template_version = None, 0

    def run(self):
        try:
            self.make_template()
            while not self.stop.is_set():
                self.step()
        except Exception as fault:  # noqa: BLE001 - it is shown by the test's own thread
            self.fault = fault

    def step(self):
        if not self.alive:
            return self.create()
        weights = {self.create: 4, self.update: 5, self.rename: 2, self.delete: 1, self.look: 1,
                   self.repeat: 1, self.update_template: 1}  # fmt: skip
        if len(self.alive) >= MAX_ALIVE:
            weights[self.create], weights[self.delete] = 0, 6
        (act,) = self.random.choices(list(weights), list(weights.values()))
        return act()

    # Requests. What breaks off a request is the kill; an error answer is a fault.

    def once(self, call, **arguments):
        """The answer, without its metadata, or None if the connection broke."""
        try:
            answer = call(policyStoreId=self.store, **arguments)
        except BROKEN:
            self.count["in flight"] += 1
            return None
        del answer["ResponseMetadata"]
        return answer

    def until_answered(self, call, **arguments):
        while True:
            self.up.wait()
            answer = self.once(call, **arguments)
            if answer is not None:
                return answer
            time.sleep(0.01)

    def write(self, call, **arguments):
        answer = self.once(call, **arguments)
        self.count["acknowledged"] += answer is not None
        return answer

    def free_name(self):
        used = {policy.name for policy in self.alive.values()}
        names = [f"name/{self.number}/{n}" for n in range(NAMES)]
        return self.random.choice([None, *(name for name in names if name not in used)])

    def victim(self):
        return self.random.choice(list(self.alive.values()))

    # Writes.

    def create(self):
        policy = Policy(f"{self.number}-{self.created}", 0, self.free_name())
        self.created += 1
        arguments = {"definition": policy.definition(), "clientToken": str(uuid.uuid4())}
        if policy.name:
            arguments["name"] = policy.name
        answer = self.write(self.client.create_policy, **arguments)
        if answer is None:
            # With the token it is one creation, however often it is sent.
            answer = self.until_answered(self.client.create_policy, **arguments)
            self.count["acknowledged"] += 1
        policy.answer = answer
        self.alive[policy.id] = policy
        self.creations.append((arguments, answer))

    def update(self):
        policy = self.victim()
        wanted = Policy(policy.resource, policy.version + 1, policy.name)
        self.change(policy, wanted, definition=wanted.definition())

    def rename(self):
        policy = self.victim()
        name = self.free_name()
        wanted = Policy(policy.resource, policy.version, name)
        self.change(policy, wanted, name=name or "")

    def change(self, policy, wanted, **arguments):
        answer = self.write(self.client.update_policy, policyId=policy.id, **arguments)
        if answer is None:
            found = self.until_answered(self.client.get_policy, policyId=policy.id)
            state = (found.pop("definition"), found.pop("name", None))
            if state not in (policy.state(), wanted.state()):
                raise Wrong(f"{state} is neither {policy.state()} nor {wanted.state()}")
            applied = state == wanted.state()
            self.count["applied" if applied else "not applied"] += 1
            if not applied:
                if found != policy.answer:
                    raise Wrong(f"{found} was {policy.answer} and was not updated")
                return
            answer = found
        wanted.answer = answer
        self.alive[policy.id] = wanted

    def delete(self):
        policy = self.victim()
        if self.write(self.client.delete_policy, policyId=policy.id) is None:
            try:
                found = self.until_answered(self.client.get_policy, policyId=policy.id)
            except self.client.exceptions.ResourceNotFoundException:
                self.count["applied"] += 1
            else:
                self.count["not applied"] += 1
                return self.compare(policy, found)
        self.deleted.append(self.alive.pop(policy.id))

    def make_template(self):
        """A template with one policy, whose decision depends on the template's version."""
        text = statement("?resource", 0, "?principal")
        arguments = {"statement": text, "clientToken": str(uuid.uuid4())}
        created = self.until_answered(self.client.create_policy_template, **arguments)
        self.template = created["policyTemplateId"]
        linked = {
            "policyTemplateId": self.template,
            "principal": {"entityType": "U", "entityId": "u"},
            "resource": {"entityType": "R", "entityId": f"{self.number}-link"},
        }
        arguments = {"definition": {"templateLinked": linked}, "clientToken": str(uuid.uuid4())}
        self.link = self.until_answered(self.client.create_policy, **arguments)["policyId"]
        self.count["acknowledged"] += 2

    def update_template(self):
        wanted = self.template_version + 1
        arguments = {
            "policyTemplateId": self.template,
            "statement": statement("?resource", wanted, "?principal"),
        }
        if self.write(self.client.update_policy_template, **arguments) is None:
            del arguments["statement"]
            found = self.until_answered(self.client.get_policy_template, **arguments)["statement"]
            versions = (self.template_version, wanted)
            known = [v for v in versions if found == statement("?resource", v, "?principal")]
            if not known:
                raise Wrong(f"{found} is of neither version {versions}")
            (wanted,) = known
            self.count["applied" if wanted == versions[1] else "not applied"] += 1
        self.template_version = wanted

    # Looks.

    def look(self):
        policy = self.victim()
        found = self.once(self.client.get_policy, policyId=policy.id)
        if found is not None:
            self.compare(policy, found)

    def compare(self, policy, found):
        """`found` is what GetPolicy answers for a policy that is alive."""
        expected = policy.answer | {"definition": policy.definition()}
        if policy.name:
            expected |= {"name": policy.name}
        if found != expected:
            raise Wrong(f"{found} should be {expected}")

    def repeat(self):
        arguments, answer = self.random.choice(self.creations)
        found = self.once(self.client.create_policy, **arguments)
        if found not in (None, answer):
            raise Wrong(f"the repeated token gives {found}, not {answer}")

"""Sample applications: their schema, policies and templates in a STRICT store, and a table of
decisions that their users would expect.

An application's folder has `schema.json`; `policies/*.cedar`, named by their files;
`templates/*.cedar`; and `cases.json` with the links that fill the templates, the entities, and the
decisions: principal, action, resource, (context), and the names of the policies that permit, or
forbid after `!`; none for a denial by default.
"""

import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent
APPLICATIONS = sorted(path.parent.name for path in HERE.glob("*/cases.json"))


def entity(text):
    """`Type::"id"`, as written in the tables, as the API takes it."""
    kind, name = text[:-1].split('::"', 1)
    return {"entityType": kind, "entityId": name}


class Application:
    """A sample in a policy store of its own."""

    def __init__(self, avp, name):
        self.avp = avp
        self.folder = HERE / name
        self.cases = json.loads((self.folder / "cases.json").read_text())
        created = avp.create_policy_store(validationSettings={"mode": "STRICT"})
        self.store = created["policyStoreId"]
        schema = (self.folder / "schema.json").read_text()
        avp.put_schema(policyStoreId=self.store, definition={"cedarJson": schema})
        self.names = {}
        self.texts = {}
        for path in sorted(self.folder.glob("policies/*.cedar")):
            self.texts[path.stem] = path.read_text()
            self.create(path.stem, {"static": {"statement": self.texts[path.stem]}})
        for path in sorted(self.folder.glob("templates/*.cedar")):
            avp.create_policy_template(
                policyStoreId=self.store, statement=path.read_text(), name=f"name/{path.stem}"
            )
        for name, link in self.cases["links"].items():
            linked = {"policyTemplateId": f"name/{link['template']}"}
            linked |= {slot: entity(link[slot]) for slot in ("principal", "resource")}
            self.create(name, {"templateLinked": linked})

    def create(self, name, definition):
        created = self.avp.create_policy(
            policyStoreId=self.store, definition=definition, name=f"name/{name}"
        )
        self.names[created["policyId"]] = name

    def entities(self):
        """As the table says: an entity list, or Cedar's JSON in a string."""
        if "entityList" in self.cases["entities"]:
            return self.cases["entities"]
        return {"cedarJson": json.dumps(self.cases["entities"]["cedarJson"])}

    def request(self, case):
        request = {part: entity(case[part]) for part in ("principal", "resource")}
        action = entity(case["action"])
        request["action"] = {"actionType": action["entityType"], "actionId": action["entityId"]}
        if "context" in case:
            request["context"] = {"cedarJson": json.dumps(case["context"])}
        return request

    def explain(self, answer):
        """The answer in the words of the table."""
        assert answer["errors"] == []
        names = {self.names[policy["policyId"]] for policy in answer["determiningPolicies"]}
        if answer["decision"] == "ALLOW":
            assert names
            return names
        return {f"!{name}" for name in names}


@pytest.fixture(scope="module", params=APPLICATIONS)
def application(request, avp):
    return Application(avp, request.param)


def test_every_decision_is_as_the_table_says(application):
    cases = application.cases["decisions"]
    assert len(cases) >= 12
    found = {}
    for case in cases:
        request = application.request(case)
        answer = application.avp.is_authorized(
            policyStoreId=application.store, entities=application.entities(), **request
        )
        found[json.dumps(case)] = application.explain(answer)
    assert found == {json.dumps(case): set(case["by"]) for case in cases}


def test_every_policy_decides_somewhere_in_the_table(application):
    named = {name.lstrip("!") for case in application.cases["decisions"] for name in case["by"]}
    assert named == set(application.names.values())


def test_batches_agree_with_the_table(application):
    """Requests of one principal are one batch."""
    batches = {}
    for case in application.cases["decisions"]:
        batches.setdefault(case["principal"], []).append(case)
    assert any(len(cases) > 1 for cases in batches.values())
    for cases in batches.values():
        batch = application.avp.batch_is_authorized(
            policyStoreId=application.store,
            requests=[application.request(case) for case in cases],
            entities=application.entities(),
        )
        found = [application.explain(result) for result in batch["results"]]
        assert found == [set(case["by"]) for case in cases]


def test_the_policies_come_back_as_they_are_in_the_files(application):
    for name, text in application.texts.items():
        found = application.avp.get_policy(
            policyStoreId=application.store, policyId=f"name/{name}"
        )
        assert found["definition"]["static"]["statement"] == text

"""`treeline import` and `export`: policy stores from files and into files."""

import json
import os
import subprocess
import time

import pytest
from accounts import Account, new_key
from treeline import TREELINE, Server

LINKS = int(os.environ.get("TREELINE_IMPORT_LINKS", "30000"))
TEMPLATE = '@id("share")\npermit (principal == ?principal, action, resource == ?resource);\n'
SCHEMA = {
    "N": {
        "entityTypes": {"User": {}, "Photo": {}},
        "actions": {
            "view": {"appliesTo": {"principalTypes": ["User"], "resourceTypes": ["Photo"]}}
        },
    }
}


@pytest.fixture
def place(tmp_path):
    """A server of its own, since it is stopped and killed, with one policy store."""
    key = new_key("111122223333", "alice")
    with Server(tmp_path / "data", Account.of(key)) as server:
        place = Place(server, server.client(key), tmp_path)
        place.client.put_schema(
            policyStoreId=place.store, definition={"cedarJson": json.dumps(SCHEMA)}
        )
        yield place


class Place:
    def __init__(self, server, client, folder):
        self.server, self.client = server, client
        created = client.create_policy_store(validationSettings={"mode": "STRICT"})
        self.store = created["policyStoreId"]
        self.files = folder / "files"
        self.files.mkdir()

    def write(self, name, text):
        (self.files / name).write_text(text)

    def links(self, count):
        (self.files / "templates.cedar").write_text(TEMPLATE)
        with (self.files / "links.jsonl").open("w") as file:
            file.writelines(line(number) for number in range(count))

    def command(self, command, *arguments):
        return [TREELINE, command, "--policy-store", self.store, *map(str, arguments)]

    def run(self, command, *arguments):
        """The output of a command that must succeed."""
        line = self.command(command, *arguments)
        code, out, err = self.server.treeline(*line[1:])
        assert code == 0, err
        return out

    def import_(self, *arguments):
        return self.run("import", self.files, *arguments)

    def begin(self):
        """An import, as a process."""
        environment = os.environ | {"TREELINE_DATA_DIR": str(self.server.data_dir)}
        return subprocess.Popen(
            self.command("import", self.files),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def decision(self, user, photo):
        answer = self.client.is_authorized(
            policyStoreId=self.store,
            principal={"entityType": "N::User", "entityId": user},
            action={"actionType": "N::Action", "actionId": "view"},
            resource={"entityType": "N::Photo", "entityId": photo},
        )
        return answer["decision"]

    def export(self, folder):
        self.run("export", "--output", folder)
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def line(number):
    link = {
        "policyTemplateId": "name/share",
        "principal": {"entityType": "N::User", "entityId": f"u{number}"},
        "resource": {"entityType": "N::Photo", "entityId": f"p{number % 1000}"},
    }
    return json.dumps(link) + "\n"


def test_what_was_imported_decides_at_once(place):
    assert place.decision("u7", "p7") == "DENY"  # The snapshot is there before the import.
    place.links(50)
    place.write("policies.cedar", '@id("mine") permit (principal == N::User::"me", action, resource);')
    assert "linked policies: 50 created" in place.import_()
    assert place.decision("u7", "p7") == "ALLOW"
    assert place.decision("u7", "p8") == "DENY"
    assert place.decision("me", "p8") == "ALLOW"
    found = place.client.get_policy(policyStoreId=place.store, policyId="name/mine")
    assert found["definition"]["static"]["statement"].startswith("@id")
    # An update, and a removal.
    place.write("policies.cedar", '@id("mine") forbid (principal == N::User::"me", action, resource);')
    place.links(5)
    said = place.import_("--delete")
    assert "static policies: 1 updated" in said
    assert "linked policies: 45 deleted, 5 unchanged" in said
    assert place.decision("me", "p8") == "DENY"
    assert place.decision("u7", "p7") == "DENY"
    assert place.decision("u4", "p4") == "ALLOW"


def test_outputs_of_the_api_are_imported(place):
    """From one policy store into another of the same server, through what boto3 prints."""
    client, store = place.client, place.store
    template = client.create_policy_template(policyStoreId=store, statement=TEMPLATE)
    linked = {
        "policyTemplateId": template["policyTemplateId"],
        "principal": {"entityType": "N::User", "entityId": "u"},
        "resource": {"entityType": "N::Photo", "entityId": "p"},
    }
    static = {"description": "all", "statement": "permit (principal, action, resource);"}
    for definition in [{"templateLinked": linked}, {"static": static}]:
        client.create_policy(policyStoreId=store, definition=definition, name="")
    listed = client.list_policies(policyStoreId=store)["policies"]
    got = [client.get_policy(policyStoreId=store, policyId=one["policyId"]) for one in listed]
    asked = [{"policyStoreId": store, "policyId": one["policyId"]} for one in listed]
    outputs = {
        "list.json": {"policies": [one for one in listed if one["policyType"] != "STATIC"]},
        "batch.json": client.batch_get_policy(requests=asked),
        "template.json": client.get_policy_template(
            policyStoreId=store, policyTemplateId=template["policyTemplateId"]
        ),
        "schema.json": client.get_schema(policyStoreId=store),
    }
    for name, output in outputs.items():
        output.pop("ResponseMetadata", None)
        place.write(name, json.dumps(output, default=str, indent=4))
    place.write("got.jsonl", "".join(json.dumps(one, default=str) + "\n" for one in got))
    assert "Nothing changed" in place.import_()
    # In another policy store they keep their ids.
    created = client.create_policy_store(validationSettings={"mode": "STRICT"})
    place.store = created["policyStoreId"]
    place.import_()
    again = client.list_policies(policyStoreId=place.store)["policies"]
    ids = {one["policyId"] for one in listed}
    assert {one["policyId"] for one in again} == ids
    # A list has no statements of static policies.
    place.write("list.json", json.dumps({"policies": listed}, default=str))
    code, _, err = place.server.treeline(*place.command("import", place.files)[1:])
    assert code == 1
    assert "a list of static policies has no statements" in err


def test_a_dry_run_changes_nothing(place):
    place.links(30)
    revision = place.export(place.files.parent / "before")
    said = place.import_("--dry-run")
    assert said.count("+ linked policy") == 19
    assert "... and 11 more" in said
    assert place.export(place.files.parent / "after") == revision
    assert place.decision("u7", "p7") == "DENY"


@pytest.mark.parametrize("killed", ["command", "server"])
def test_an_import_that_was_killed_goes_on(place, killed):
    place.links(LINKS)
    process = place.begin()
    deadline = time.monotonic() + 60
    while not place.client.list_policies(policyStoreId=place.store, maxResults=1)["policies"]:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    if killed == "command":
        process.kill()
        process.communicate()
    else:
        place.server.kill()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "import again to go on" in err or "talk to the server" in err, err
        place.server.start()
    said = place.import_()
    counts = next(part for part in said.splitlines() if part.startswith("linked policies"))
    assert "unchanged" in counts, counts
    assert "Nothing changed" in place.import_()
    exported = place.export(place.files.parent / "out")
    assert exported["links.jsonl"].count(b"\n") == LINKS
    assert place.decision("u7", "p7") == "ALLOW"


def test_an_export_of_a_running_server_is_a_copy(place):
    place.links(3000)
    place.write("policies.cedar", "// why\npermit (principal, action, resource);\n")
    place.import_()
    first = place.export(place.files.parent / "first")
    assert set(first) == {"schema.json", "templates.cedar", "policies.cedar", "links.jsonl"}
    # Into a server that is stopped, and a policy store that is not there.
    assert place.server.stop() == 0
    copy = Server(place.files.parent / "copy", Account.of(new_key("111122223333", "carol")))
    with copy:
        pass
    code, out, err = copy.treeline(
        "import", "--create", "--policy-store", "copy", str(place.files.parent / "first")
    )
    assert code == 0, err
    assert "linked policies: 3,000 created" in out
    target = place.files.parent / "second"
    code, _, err = copy.treeline("export", "--policy-store", "copy", "--output", str(target))
    assert code == 0, err
    assert {path.name: path.read_bytes() for path in target.iterdir()} == first
    place.server.start()


def test_other_clients_are_served_during_an_import(place):
    place.links(LINKS)
    process, served = place.begin(), 0
    while process.poll() is None:
        place.client.create_policy(
            policyStoreId=place.store,
            definition={"static": {"statement": 'permit (principal == N::User::"x", action, resource);'}},
        )
        served += 1
    assert process.returncode == 0, process.communicate()
    assert served > 0

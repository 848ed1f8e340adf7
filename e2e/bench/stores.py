"""The policy stores of decisions.py, and what is asked of them.

A linked policy for each user and photo: 100,000 users, 10,000 photos, no pair twice. A question has
two entities and a small context, and one policy matches it. Static policies have 30 photos to a
user, as many as one batch may ask about.
"""

import json

BATCH = 30
TEMPLATE = "permit(principal == ?principal, action, resource == ?resource);"


def user(number):
    return {"entityType": "User", "entityId": f"user-{number % 100_000}"}


def photo(number):
    return {
        "entityType": "Photo",
        "entityId": f"photo-{(number * 7_919 + number // 100_000) % 10_000}",
    }


def write_links(path, count, template):
    """A line for each link, as CreatePolicy takes it; gives their number."""
    with path.open("w") as file:
        for number in range(count):
            link = {"policyTemplateId": template, "principal": user(number)}
            file.write(json.dumps(link | {"resource": photo(number)}) + "\n")
    return count


def write_statics(path, count):
    """Small static policies, as Cedar text; gives their number."""
    with path.open("w") as file:
        for number in range(count):
            principal = f'User::"{user(number // BATCH)["entityId"]}"'
            resource = f'Photo::"{photo(number)["entityId"]}"'
            scope = f'principal == {principal}, action == Action::"view", resource == {resource}'
            file.write(f"permit({scope});\n")
    return count


def _asked(principal, resource):
    return {
        "principal": principal,
        "action": {"actionType": "Action", "actionId": "view"},
        "resource": resource,
        "context": {"contextMap": {"mfa": {"boolean": True}, "ip": {"ipaddr": "10.0.0.7"}}},
    }


def _entities(principal, resource):
    attributes = {"owner": {"entityIdentifier": principal}}
    return {
        "entityList": [
            {"identifier": principal, "attributes": {"department": {"string": "hr"}}},
            {"identifier": resource, "attributes": attributes},
        ]
    }


def question(store):
    """The input of IsAuthorized that the policy of number 1 allows."""
    pair = user(1), photo(1)
    return {"policyStoreId": store, "entities": _entities(*pair)} | _asked(*pair)


def batch(store, principal, numbers):
    """The input of BatchIsAuthorized: one user, and the photos of these policies."""
    photos = [photo(number) for number in numbers]
    requests = [_asked(principal, each) for each in photos]
    entities = _entities(principal, photos[0])
    return {"policyStoreId": store, "entities": entities, "requests": requests}


def ask_for_links(client, store):
    """Asks once about one linked policy."""
    answer = client.is_authorized(**question(store))
    assert answer["decision"] == "ALLOW", answer


def ask_for_statics(client, store, batches):
    """Asks about the policies of these batches."""
    for at in batches:
        numbers = range(at * BATCH, (at + 1) * BATCH)
        answer = client.batch_is_authorized(**batch(store, user(at), numbers))
        assert {result["decision"] for result in answer["results"]} == {"ALLOW"}, answer

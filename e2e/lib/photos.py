"""A small world for policy stores: users and groups, photos in albums."""

import json


def schema(namespace="Photos"):
    """Its schema, as PutSchema takes it."""
    actions = {
        name: {
            "appliesTo": {
                "principalTypes": ["User"],
                "resourceTypes": ["Photo"],
                "context": {
                    "type": "Record",
                    "attributes": {"mfa": {"type": "Boolean", "required": False}},
                },
            },
            "memberOf": [{"id": "readOnly"}] if name == "view" else [],
        }
        for name in ("view", "edit")
    }
    types = {
        "Group": {},
        "Album": {},
        "User": {"memberOfTypes": ["Group"]},
        "Photo": {
            "memberOfTypes": ["Album"],
            "shape": {
                "type": "Record",
                "attributes": {
                    "owner": {"type": "Entity", "name": "User"},
                    "private": {"type": "Boolean"},
                },
            },
        },
    }
    actions["readOnly"] = {}
    text = json.dumps({namespace: {"entityTypes": types, "actions": actions}})
    return {"cedarJson": text}


def entity(kind, name):
    return {"entityType": kind, "entityId": name}


def user(name):
    return entity("Photos::User", name)


def photo(name):
    return entity("Photos::Photo", name)


def action(name):
    return {"actionType": "Photos::Action", "actionId": name}


ANN_VIEWS = (
    'permit(principal == Photos::User::"ann", action == Photos::Action::"view", resource);'
)
TEMPLATE = 'permit(principal == ?principal, action == Photos::Action::"view", resource == ?resource);'


def create_static(avp, store, statement=ANN_VIEWS, **arguments):
    """Creates a static policy and gives its id."""
    definition = {"static": {"statement": statement}}
    return avp.create_policy(policyStoreId=store, definition=definition, **arguments)["policyId"]


def create_linked(avp, store, template, principal=None, resource=None, **arguments):
    """Fills a template's slots and gives the new policy's id."""
    linked = {"policyTemplateId": template, "principal": principal, "resource": resource}
    linked = {name: value for name, value in linked.items() if value}
    definition = {"templateLinked": linked}
    return avp.create_policy(policyStoreId=store, definition=definition, **arguments)["policyId"]


def create_template(avp, store, statement=TEMPLATE, **arguments):
    """Creates a template and gives its id."""
    created = avp.create_policy_template(policyStoreId=store, statement=statement, **arguments)
    return created["policyTemplateId"]


def question(store, who="ann", what="view", which="beach", **arguments):
    """The arguments of IsAuthorized."""
    return {
        "policyStoreId": store,
        "principal": user(who),
        "action": action(what),
        "resource": photo(which),
    } | arguments

"""TagResource, UntagResource, ListTagsForResource."""

import pytest
from expect import answer, invalid, refused, typed


@pytest.fixture
def arn(avp, store):
    return avp.get_policy_store(policyStoreId=store)["arn"]


def tags(avp, arn):
    return answer(avp.list_tags_for_resource(resourceArn=arn)).get("tags", {})


def test_tags_are_added_overwritten_and_removed(avp, store, arn):
    assert tags(avp, arn) == {}
    assert answer(avp.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})) == {}
    avp.tag_resource(resourceArn=arn, tags={"b": "3", "c": ""})
    assert tags(avp, arn) == {"a": "1", "b": "3", "c": ""}
    assert avp.get_policy_store(policyStoreId=store, tags=True)["tags"] == tags(avp, arn)
    assert answer(avp.untag_resource(resourceArn=arn, tagKeys=["a", "unknown"])) == {}
    assert tags(avp, arn) == {"b": "3", "c": ""}


def test_tags_do_not_move_the_date_of_the_store(avp, store, arn):
    before = avp.get_policy_store(policyStoreId=store)["lastUpdatedDate"]
    avp.tag_resource(resourceArn=arn, tags={"a": "1"})
    assert avp.get_policy_store(policyStoreId=store)["lastUpdatedDate"] == before


def test_a_store_has_at_most_50_tags(avp, arn):
    avp.tag_resource(resourceArn=arn, tags={f"k{number}": "" for number in range(50)})
    avp.tag_resource(resourceArn=arn, tags={"k0": "overwritten"})
    arguments = {"resourceArn": arn, "tags": {"k50": ""}}
    error = typed("TooManyTagsException", 400, avp.tag_resource, **arguments)
    assert error.response["resourceName"] == arn
    assert len(tags(avp, arn)) == 50
    too_many = {f"k{number}": "" for number in range(51)}
    invalid(avp.create_policy_store, validationSettings={"mode": "OFF"}, tags=too_many)


@pytest.mark.parametrize("tag", [("aws:key", "v"), ("k" * 129, "v"), ("k", "v" * 257)])
def test_reserved_and_long_tags_are_refused(avp, arn, tag):
    assert invalid(avp.tag_resource, resourceArn=arn, tags=dict([tag])) is not None
    assert tags(avp, arn) == {}


def test_unknown_stores_have_no_tags(avp, arn):
    unknown = arn[:-1] + ("1" if arn[-1] != "1" else "2")
    for call, arguments in [
        (avp.tag_resource, {"tags": {"a": "1"}}),
        (avp.untag_resource, {"tagKeys": ["a"]}),
        (avp.list_tags_for_resource, {}),
    ]:
        error = typed("ResourceNotFoundException", 404, call, resourceArn=unknown, **arguments)
        assert error.response["resourceType"] == "POLICY_STORE"


@pytest.mark.parametrize("arn", ["no-arn", "arn:aws:s3:::bucket"])
def test_what_is_no_policy_store_cannot_be_tagged(avp, arn):
    assert invalid(avp.list_tags_for_resource, resourceArn=arn) is not None


def test_stores_of_other_accounts_cannot_be_tagged(other_account, arn):
    call = other_account.list_tags_for_resource
    refused("AccessDeniedException", 403, call, resourceArn=arn)

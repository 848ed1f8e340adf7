"""What tests say about answers of Aurora DSQL, STS, and whoever refuses by a policy."""

from expect import answer, typed


def members(response):
    """The members of a response of Aurora DSQL."""
    return answer(response, media_type="application/json")


def invalid(reason, fields, call, /, **arguments):
    """The message of a ValidationException with this reason about these members."""
    error = typed("ValidationException", 400, call, **arguments)
    found = [field["name"] for field in error.response.get("fieldList", [])]
    assert (error.response["reason"], found) == (reason, fields), error.response
    return error.response["message"]


def missing(kind, resource_id, call, /, **arguments):
    """A ResourceNotFoundException of something of this type."""
    error = typed("ResourceNotFoundException", 404, call, **arguments)
    found = (error.response["resourceType"], error.response["resourceId"])
    assert found == (kind, resource_id)


def conflict(kind, resource_id, call, /, **arguments):
    """The message of a ConflictException."""
    error = typed("ConflictException", 409, call, **arguments)
    found = (error.response["resourceType"], error.response["resourceId"])
    assert found == (kind, resource_id)
    return error.response["message"]


def over_quota(kind, code, call, /, **arguments):
    """The response of a ServiceQuotaExceededException."""
    error = typed("ServiceQuotaExceededException", 402, call, **arguments)
    found = {name: error.response[name] for name in ("resourceType", "serviceCode", "quotaCode")}
    assert found == {"resourceType": kind, "serviceCode": "dsql", "quotaCode": code}
    return error.response


def denied(call, /, **arguments):
    """AWS's sentence in an AccessDeniedException."""
    return typed("AccessDeniedException", 403, call, **arguments).response["message"]


def not_allowed(principal, action, resource, kind="identity-based policy"):
    """The sentence when nothing allows something."""
    what = f"User: {principal} is not authorized to perform: {action} on resource: {resource}"
    return f"{what} because no {kind} allows the {action} action"


def forbidden(principal, action, resource, kind="a resource-based policy"):
    """The sentence when something is denied expressly."""
    what = f"User: {principal} is not authorized to perform: {action} on resource: {resource}"
    return f"{what} with an explicit deny in {kind}"

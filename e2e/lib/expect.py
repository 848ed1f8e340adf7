"""What tests say about answers."""

import re
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError

ID = re.compile(r"[1-9A-HJ-NP-Za-km-z]{22}")


def answer(response, status=200, media_type="application/x-amz-json-1.0"):
    """The members of a response, after looking at its metadata."""
    members = dict(response)
    metadata = members.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == status
    assert metadata["HTTPHeaders"]["content-type"] == media_type
    assert str(uuid.UUID(metadata["RequestId"])) == metadata["RequestId"]
    assert metadata["RetryAttempts"] == 0
    return members


def is_recent(date):
    """Dates have a time zone and come from the server's clock, which is this machine's."""
    assert date.tzinfo is not None and date.utcoffset() == timedelta(0)
    return abs(datetime.now(timezone.utc) - date) < timedelta(minutes=2)


def refused(code, status, call, /, **arguments):
    """The typed exception of a call that is refused with this code and HTTP status."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value
    found = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
    assert found == (code, status), error
    assert error.response["Error"]["Message"]
    return error


def typed(code, status, call, /, **arguments):
    """As `refused`, for an exception of the service model: boto3 knows its class and members."""
    error = refused(code, status, call, **arguments)
    assert type(error).__name__ == code
    assert error.response["message"] == error.response["Error"]["Message"]
    return error


def invalid(call, /, **arguments):
    """The path -> texts of a ValidationException's field list."""
    error = typed("ValidationException", 400, call, **arguments)
    fields = {}
    for field in error.response.get("fieldList", []):
        fields.setdefault(field["path"], []).append(field["message"])
    if fields:
        assert error.response["message"] == "Invalid input"
    return fields


def not_found(resource_id, resource_type, call, /, **arguments):
    """A ResourceNotFoundException that names what was not found."""
    error = typed("ResourceNotFoundException", 404, call, **arguments)
    found = (error.response["resourceId"], error.response["resourceType"])
    assert found == (resource_id, resource_type)


def conflict(resource_id, resource_type, call, /, **arguments):
    """A ConflictException that names what stands in the way."""
    error = typed("ConflictException", 409, call, **arguments)
    expected = [{"resourceId": resource_id, "resourceType": resource_type}]
    assert error.response["resources"] == expected


def over_quota(resource_type, call, /, **arguments):
    """The response of a ServiceQuotaExceededException."""
    error = typed("ServiceQuotaExceededException", 402, call, **arguments)
    assert error.response["resourceType"] == resource_type
    assert error.response["serviceCode"] == "verifiedpermissions"
    return error.response

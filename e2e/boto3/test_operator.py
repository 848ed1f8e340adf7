"""What the operator can do when a cluster's policy lets nobody in any more."""

import json

import pytest
from accounts import EVERYTHING, Account, deny
from expect import refused
from treeline import Server

NOBODY = json.dumps(deny("dsql:*", Principal="*"))


def remove(server, arn):
    return server.treeline("dsql", "remove-cluster-policy", "--cluster", arn)


def test_a_policy_that_lets_nobody_in_can_be_removed(tmp_path):
    account = Account("111122223333")
    key = account.user("ann", EVERYTHING)
    with Server(tmp_path / "data", account) as server:
        dsql = server.client(key, "dsql")
        cluster = dsql.create_cluster(policy=NOBODY, bypassPolicyLockoutSafetyCheck=True)
        arn, identifier = cluster["arn"], cluster["identifier"]
        refused("AccessDeniedException", 403, dsql.get_cluster, identifier=identifier)
        code, _, err = remove(server, arn)
        assert (code, "is in use by another server" in err) == (1, True), err
        server.stop()
        done = remove(server, arn)
        assert done == (0, f"removed version 1 of the policy of {arn}\n", "")
        for unknown in [arn, f"{arn}/stream/{identifier}", "nonsense"]:
            code, out, err = remove(server, unknown)
            assert (code, out, err.count("\n")) == (1, "", 1), err
            assert err.startswith("treeline: The cluster"), err
        server.start()
        dsql = server.client(key, "dsql")
        assert dsql.get_cluster(identifier=identifier)["identifier"] == identifier
        with pytest.raises(dsql.exceptions.ResourceNotFoundException):
            dsql.get_cluster_policy(identifier=identifier)

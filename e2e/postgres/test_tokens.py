"""Who may connect: tokens, permissions and roles of the database."""

import contextlib
import datetime
from unittest import mock

import pytest
from accounts import Key, deny
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from database import host_of
from expect_dsql import not_allowed
from expect_sql import denied, kept_out, refused
from treeline import REGION
from world import ACCOUNT, cluster_arn, put_policy, user


def test_admin_comes_in_with_the_token_of_whoever_may(database, home):
    keys = [database.admin, database.dev, database.root, database.app_key()]
    for key in keys:
        with database.connect(home, key=key) as session:
            found = session.execute("SELECT current_user, session_user").fetchone()
            assert found == ("admin", "admin")


def test_the_longest_token_and_one_that_is_too_long(database, home):
    week = 7 * 24 * 3600
    with database.connect(home, password=database.token(home, seconds=week)) as session:
        assert session.info.parameter_status("is_superuser") == "off"
    token = database.token(home, seconds=week + 1)
    hint = "X-Amz-Expires must be less than a week"
    denied(hint, database.connect, home, password=token)


def test_a_token_is_good_for_many_connections(database, home):
    token = database.token(home)
    sessions = [database.connect(home, password=token) for _ in range(3)]
    assert len({session.info.backend_pid for session in sessions}) == 3
    for session in sessions:
        session.close()


def test_the_action_has_to_be_that_of_the_user(database, home):
    wrong = "Wrong user to action mapping. user: admin, action: DbConnect"
    token = database.token(home, user="somebody")
    denied(wrong, database.connect, home, password=token)
    wrong = "Wrong user to action mapping. user: somebody, action: DbConnectAdmin"
    token = database.token(home, user="admin")
    denied(wrong, database.connect, home, user="somebody", password=token)


@pytest.mark.parametrize("name", ["nobody", "reader"])
def test_without_permission(database, home, name):
    sentence = not_allowed(user(name), "dsql:DbConnectAdmin", cluster_arn(home))
    key = getattr(database, name)
    denied(sentence, database.connect, home, key=key)
    last = database.decisions()[-1]
    assert (last["principal"], last["action"]) == (user(name), "dsql:DbConnectAdmin"), last
    assert last["resource"] == cluster_arn(home)


def test_the_permission_for_one_action_is_not_that_for_the_other(database, home):
    session_of = database.session_key
    connector = session_of(database.dev, database.connector)
    administrator = session_of(database.dev, database.administrator)
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role"
    sentence = not_allowed(f"{arn}/connector/session", "dsql:DbConnectAdmin", cluster_arn(home))
    denied(sentence, database.connect, home, key=connector)
    database.connect(home, key=administrator).close()
    sentence = not_allowed(f"{arn}/administrator/session", "dsql:DbConnect", cluster_arn(home))
    denied(sentence, database.connect, home, user="somebody", key=administrator)


def test_somebody_elses_cluster(database, home):
    hint = "User: arn:aws:iam::444455556666:user/stranger is not authorized to access this resource"
    denied(hint, database.connect, home, key=database.stranger)


def test_a_cluster_that_does_not_exist(database):
    hint = f"User: {user('admin')} is not authorized to access this resource"
    denied(hint, database.connect, "a" * 26)


def presigned(
    key, host, action="DbConnectAdmin", at=None, seconds=900, region=REGION, service="dsql"
):
    """A token made by hand, so that everything in it can be wrong."""
    request = AWSRequest("GET", f"https://{host}/?Action={action}")
    credentials = Credentials(key.access_key_id, key.secret_access_key, key.session_token)
    signer = SigV4QueryAuth(credentials, service, region, expires=seconds)
    with contextlib.ExitStack() as stack:
        if at:
            clock = "botocore.auth.get_current_datetime"
            stack.enter_context(mock.patch(clock, lambda *_, **__: at))
        signer.add_auth(request)
    return request.url.removeprefix("https://")


WHICH_ACTION = "The action of the authentication token must be DbConnect or DbConnectAdmin."


def ago(minutes):
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=minutes)


def test_a_token_by_hand(database, home):
    database.connect(home, password=presigned(database.admin, host_of(home))).close()


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"at": ago(60)}, "Signature expired: "),
        ({"at": ago(-60)}, "Signature not yet current: "),
        ({"region": "us-east-2"}, "Credential should be scoped to a valid region."),
        ({"service": "rds-db"}, "Credential should be scoped to correct service: 'dsql'."),
        ({"action": "DbConnectRoot"}, WHICH_ACTION),
        ({"action": "GetCluster"}, WHICH_ACTION),
    ],
)
def test_tokens_that_are_wrong(database, home, change, hint):
    token = presigned(database.admin, host_of(home), **change)
    denied(hint, database.connect, home, password=token)


def test_tokens_that_are_no_tokens(database, home):
    token = database.token(home)
    wrong_key = Key(ACCOUNT, "admin", database.admin.access_key_id, "nonsense")
    unknown_key = Key(ACCOUNT, "admin", "AKIAIOSFODNN7EXAMPLE", "nonsense")
    mismatch = "The request signature we calculated does not match the signature you provided."
    for password, hint in [
        (presigned(wrong_key, host_of(home)), mismatch),
        (token.replace("Expires=900", "Expires=901"), mismatch),
        (token.replace("Action=DbConnectAdmin", "Action=DbConnect"), mismatch),
        (
            presigned(unknown_key, host_of(home)),
            "The security token included in the request is invalid.",
        ),
        (token[:-10], mismatch),
        ("secret", "The password is not an authentication token of Aurora DSQL."),
    ]:
        text = denied(hint, database.connect, home, password=password)
        assert database.admin.secret_access_key not in text
        assert password not in text


def test_the_token_of_another_cluster(database, home):
    other = database.dsql(database.admin).create_cluster()["identifier"]
    token = database.token(home, host=host_of(other))
    hint = "The authentication token is not made for the host name of this cluster."
    denied(hint, database.connect, home, password=token)


def test_temporary_credentials_without_their_token(database, home):
    key = database.app_key()
    bare = Key(ACCOUNT, "app", key.access_key_id, key.secret_access_key)
    hint = "The security token included in the request is invalid."
    denied(hint, database.connect, home, password=presigned(bare, host_of(home)))


def test_there_is_one_database(database, home):
    text = kept_out("FATAL", database.connect, home, dbname="other")
    assert 'database "other" does not exist' in text


def not_granted(role, arn):
    return f"The database role {role} is not granted to {arn}: see AWS IAM GRANT."


@pytest.mark.parametrize("name", ["treeline", "postgres", "pg_monitor", "public"])
def test_roles_that_nobody_may_be(database, home, name):
    denied(not_granted(name, user("admin")), database.connect, home, user=name)


@pytest.fixture
def role(request, session):
    """A role with LOGIN."""
    name = request.node.name.replace("test_", "for_")
    session.execute(f"CREATE ROLE {name} WITH LOGIN")
    yield name
    for (arn,) in session.execute(
        "SELECT arn FROM sys.iam_pg_role_mappings WHERE pg_role_name = %s", [name]
    ).fetchall():
        session.execute(f"AWS IAM REVOKE {name} FROM '{arn}'")
    session.execute(f"DROP ROLE {name}")


def test_a_role_for_an_assumed_role(database, home, session, role, table):
    key = database.session_key(database.dev, database.connector)
    hint = not_granted(role, database.connector)
    denied(hint, database.connect, home, user=role, key=key)
    done = session.execute(f"AWS IAM GRANT {role} TO '{database.connector}'")
    assert done.statusmessage == "AWS IAM GRANT"
    mapping = session.execute(
        "SELECT arn, pg_role_name, grantor_pg_role_name FROM sys.iam_pg_role_mappings"
        " WHERE pg_role_name = %s",
        [role],
    ).fetchall()
    assert mapping == [(database.connector, role, "admin")]

    with database.connect(home, user=role, key=key) as own:
        assert own.execute("SELECT current_user").fetchone() == (role,)
        refused("42501", "permission denied for table", own, f"SELECT * FROM {table}")
        session.execute(f"GRANT SELECT, INSERT ON {table} TO {role}")
        own.execute(f"INSERT INTO {table} VALUES (1, 'own')")
        assert own.execute(f"SELECT v FROM {table}").fetchall() == [("own",)]
        refused("42501", "permission denied", own, f"DELETE FROM {table}")
        refused("42501", "permission denied for schema public", own, "CREATE TABLE x (id int)")
        grant = f"AWS IAM GRANT {role} TO '{database.app}'"
        refused("42501", "", own, grant)
        # What is revoked is not taken from those who are in.
        done = session.execute(f"AWS IAM REVOKE {role} FROM '{database.connector}'")
        assert done.statusmessage == "AWS IAM REVOKE"
        denied(hint, database.connect, home, user=role, key=key)
        assert own.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)
    session.execute(f"REVOKE ALL ON {table} FROM {role}")


def test_a_role_for_a_user(database, home, session, role):
    session.execute(f"AWS IAM GRANT {role} TO '{user('dev')}'")
    with database.connect(home, user=role, key=database.dev) as own:
        assert own.execute("SELECT session_user").fetchone() == (role,)
    # Who may connect, but is not the one.
    hint = not_granted(role, user("admin"))
    denied(hint, database.connect, home, user=role, key=database.admin)


def test_a_role_without_login(database, home, session, role):
    session.execute(f"AWS IAM GRANT {role} TO '{user('dev')}'")
    session.execute(f"ALTER ROLE {role} WITH NOLOGIN")
    hint = not_granted(role, user("dev"))
    denied(hint, database.connect, home, user=role, key=database.dev)


def test_grants_that_are_refused(session, role):
    arn = "arn:aws:iam::111122223333:role/x"
    for sql, sqlstate, message in [
        (f"GRANT {role} TO 'nonsense'", "22023", "IAM role must look like an IAM ARN"),
        (f"GRANT missing TO '{arn}'", "42704", "Role missing does not exist"),
        (f"GRANT admin TO '{arn}'", "0A000", "Cannot establish trust with role admin"),
    ]:
        refused(sqlstate, message, session, f"AWS IAM {sql}")


def test_a_mapped_role_cannot_be_dropped(session, role):
    session.execute(f"AWS IAM GRANT {role} TO '{user('dev')}'")
    refused(
        "2BP01", "cannot be dropped because some objects depend on it", session, f"DROP ROLE {role}"
    )


def test_a_policy_of_the_cluster(database):
    """It counts from the next connection on, and cuts nobody off."""
    dsql = database.dsql(database.admin)
    cluster = database.cluster(dsql)
    with database.connect(cluster, key=database.dev) as session:
        policy = deny("dsql:DbConnectAdmin", Principal={"AWS": user("dev")})
        put_policy(dsql, cluster, policy)
        hint = "with an explicit deny in a resource-based policy"
        denied(hint, database.connect, cluster, key=database.dev)
        database.connect(cluster).close()
        assert session.execute("SELECT 1").fetchone() == (1,)
    dsql.delete_cluster_policy(identifier=cluster)
    database.connect(cluster, key=database.dev).close()

-- Which IAM identities may log in as which roles. Clients and the engine say the names of roles
-- without the suffix that they have where databases share a server; so does what they are shown.

CREATE SEQUENCE IF NOT EXISTS pg_treeline.iam_ids START 26000;
CREATE TABLE IF NOT EXISTS pg_treeline.iam_mappings (
  id oid NOT NULL DEFAULT nextval('pg_treeline.iam_ids')::oid,
  arn text NOT NULL,
  role oid NOT NULL,
  grantor oid NOT NULL,
  PRIMARY KEY (role, arn));

CREATE OR REPLACE VIEW sys.iam_pg_role_mappings AS
  SELECT m.id AS iam_oid, m.arn, m.role AS pg_role_oid,
         left(r.rolname, length(r.rolname) - length({suffix}))::name AS pg_role_name,
         m.grantor AS grantor_pg_role_oid,
         left(g.rolname, length(g.rolname) - length({suffix}))::name AS grantor_pg_role_name
    FROM pg_treeline.iam_mappings m JOIN pg_roles r ON r.oid = m.role
    LEFT JOIN pg_roles g ON g.oid = m.grantor;
GRANT SELECT ON sys.iam_pg_role_mappings TO PUBLIC;

-- The role of a mapping, or the refusal. What a new mapping needs, an old one may have lost since.
CREATE OR REPLACE FUNCTION pg_treeline.mapping_role(name text, arn text, new bool) RETURNS oid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  r record;
BEGIN
  IF session_user <> {admin} THEN
    RAISE EXCEPTION USING ERRCODE = '42501',
      MESSAGE = format('permission denied to grant IAM trust with role %s', name);
  END IF;
  SELECT oid, rolcanlogin, rolsuper INTO r FROM pg_roles WHERE rolname = name || {suffix};
  IF name LIKE 'pg\_%' THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('Role %s not supported', name);
  ELSIF name = 'admin' THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('Cannot establish trust with role %s', name);
  ELSIF r.oid IS NULL OR r.rolsuper THEN
    RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('Role %s does not exist', name);
  ELSIF new AND NOT r.rolcanlogin THEN
    RAISE EXCEPTION USING ERRCODE = '42501',
      MESSAGE = format('role %s must have the LOGIN attribute', name);
  ELSIF arn IS NULL OR arn !~ '^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[!-~]+$' THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'IAM role must look like an IAM ARN';
  END IF;
  RETURN r.oid;
END $$;

-- AWS IAM GRANT, REVOKE. Executable by everybody and good for `admin` only, so that others get the
-- service's refusal. The one who is logged in counts, which no function of a client's can change.
CREATE OR REPLACE FUNCTION pg_treeline.iam_grant(name text, arn text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
  INSERT INTO pg_treeline.iam_mappings (arn, role, grantor)
    VALUES (arn, pg_treeline.mapping_role(name, arn, true),
            (SELECT oid FROM pg_roles WHERE rolname = session_user))
    ON CONFLICT DO NOTHING;
END $$;
CREATE OR REPLACE FUNCTION pg_treeline.iam_revoke(name text, arn text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM pg_treeline.iam_mappings m
   WHERE m.role = pg_treeline.mapping_role(name, iam_revoke.arn, false) AND m.arn = iam_revoke.arn;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('IAM role %s does not exist', arn);
  END IF;
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.iam_grant(text, text), pg_treeline.iam_revoke(text, text)
  TO PUBLIC;

-- For the login: exact comparison.
CREATE OR REPLACE FUNCTION pg_treeline.is_mapped(name text, arn text) RETURNS bool
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM pg_treeline.iam_mappings m JOIN pg_roles r ON r.oid = m.role
                WHERE r.rolname = name || {suffix} AND m.arn = is_mapped.arn
                  AND r.rolcanlogin AND NOT r.rolsuper);

-- For everybody: tells what the view tells.
CREATE OR REPLACE FUNCTION pg_treeline.check_droppable(names text[]) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  mapped text := (SELECT min(n) FROM unnest(names) n JOIN pg_roles r ON r.rolname = n || {suffix}
                    JOIN pg_treeline.iam_mappings m ON m.role = r.oid);
BEGIN
  IF mapped IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '2BP01',
      MESSAGE = format('role "%s" cannot be dropped because some objects depend on it', mapped);
  END IF;
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.check_droppable(text[]) TO PUBLIC;

-- DROP ROLE. For everybody, with the caller's own rights.
CREATE OR REPLACE FUNCTION pg_treeline.drop_roles(names text[], if_exists bool) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_treeline.check_droppable(names);
  EXECUTE pg_catalog.format('DROP ROLE %s %s', CASE WHEN if_exists THEN 'IF EXISTS' END,
    (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(n OPERATOR(pg_catalog.||) {suffix}), ', ')
       FROM pg_catalog.unnest(names) n));
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.drop_roles(text[], bool) TO PUBLIC;

-- For everybody: names one's own session.
CREATE OR REPLACE FUNCTION sys.current_session_id() RETURNS uuid
LANGUAGE sql STABLE
RETURN md5(pg_backend_pid()::text || coalesce((SELECT backend_start::text
  FROM pg_stat_get_activity(pg_backend_pid())), ''))::uuid;
GRANT EXECUTE ON FUNCTION sys.current_session_id() TO PUBLIC;

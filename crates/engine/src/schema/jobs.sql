-- Jobs: what CREATE INDEX ASYNC and ALTER TABLE ASYNC submit, and what the service itself logs.

CREATE TABLE IF NOT EXISTS pg_treeline.jobs (
  job_id text PRIMARY KEY,
  status text NOT NULL CHECK (status IN ('submitted', 'processing', 'completed', 'failed')),
  details text,
  job_type text NOT NULL CHECK (job_type IN ('INDEX_BUILD', 'VALIDATE_CONSTRAINT', 'ANALYZE', 'DROP')),
  object_id oid NOT NULL,
  -- the constraint to validate
  constraint_id oid,
  -- where to find the index again, once the build has begun
  index_name text,
  table_id oid,
  -- how often it had to give way, and until when it does
  attempts int NOT NULL DEFAULT 0,
  not_before timestamptz NOT NULL DEFAULT '-infinity',
  start_time timestamptz NOT NULL DEFAULT clock_timestamp(),
  update_time timestamptz NOT NULL DEFAULT clock_timestamp());

CREATE OR REPLACE FUNCTION pg_treeline.object_name(object oid) RETURNS text
LANGUAGE sql STABLE
RETURN (SELECT format('%I.%I', n.nspname, c.relname)
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = object);

-- Finished jobs are shown for 30 minutes.
CREATE OR REPLACE VIEW sys.jobs AS
  SELECT j.job_id, j.status, j.details, j.job_type, 'pg_class'::regclass::oid AS class_id,
         j.object_id, nullif(concat_ws('.', quote_ident(n.nspname), quote_ident(c.relname)), '')
           AS object_name,
         j.start_time, j.update_time
    FROM pg_treeline.jobs j LEFT JOIN pg_class c ON c.oid = j.object_id
    LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE j.status IN ('submitted', 'processing')
      OR j.update_time > statement_timestamp() - interval '30 minutes';
GRANT SELECT ON sys.jobs TO PUBLIC;

-- A random UUID's 16 bytes in lower-case base32, unpadded: 26 characters.
CREATE OR REPLACE FUNCTION pg_treeline.new_job_id() RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(substr('abcdefghijklmnopqrstuvwxyz234567',
           substring(bits FROM i * 5 + 1 FOR 5)::bit(5)::int + 1, 1), '' ORDER BY i)
    FROM (SELECT ('x' || encode(uuid_send(gen_random_uuid()), 'hex'))::bit(128) || B'00') b(bits),
         generate_series(0, 25) i
$$;

CREATE OR REPLACE FUNCTION pg_treeline.submit_job(kind text, object oid, constraint_ oid)
RETURNS text LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO pg_treeline.jobs (job_id, status, job_type, object_id, constraint_id)
  VALUES (pg_treeline.new_job_id(), 'submitted', kind, object, constraint_) RETURNING job_id
$$;

CREATE OR REPLACE FUNCTION pg_treeline.log_drop(object oid) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO pg_treeline.jobs (job_id, status, job_type, object_id)
  VALUES (pg_treeline.new_job_id(), 'completed', 'DROP', object)
$$;

-- 42501 unless the one who is logged in owns the relation.
CREATE OR REPLACE FUNCTION pg_treeline.require_owner(relation oid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  SELECT relname, relkind, relowner INTO c FROM pg_class WHERE oid = relation;
  -- A superuser's session is the job runner's, and the caller then a client's function in a job.
  IF pg_has_role(session_user, c.relowner, 'USAGE') IS NOT TRUE
     OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('must be owner of %s %s',
      CASE c.relkind WHEN 'i' THEN 'index' ELSE 'table' END, c.relname);
  END IF;
END $$;

-- The predicate without the `AND false` of a placeholder, or NULL when there was nothing else.
-- `tree` is PostgreSQL's text of an expression: nodes in braces, special characters in names
-- escaped. 0A000 for anything that is not a placeholder's.
CREATE OR REPLACE FUNCTION pg_treeline.real_predicate(tree text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  never CONSTANT text := '{CONST :consttype 16 %:constvalue 1 [ 0 0 0 0 0 0 0 0 ]}';
  head CONSTANT text := '{BOOLEXPR :boolop and :args (';
  args text[] := '{}';
  depth int := 0;
  start int;
  skip bool := false;
  token record;
BEGIN
  IF tree LIKE never AND strpos(substr(tree, 2), '{') = 0 THEN
    RETURN NULL;
  END IF;
  IF starts_with(tree, head) THEN
    FOR token IN SELECT c, i FROM regexp_split_to_table(substr(tree, length(head) + 1), '')
                   WITH ORDINALITY t(c, i) LOOP
      IF skip THEN
        skip := false;
      ELSIF token.c = '\' THEN
        skip := true;
      ELSIF token.c = '{' THEN
        IF depth = 0 THEN
          start := token.i;
        END IF;
        depth := depth + 1;
      ELSIF token.c = '}' THEN
        depth := depth - 1;
        IF depth = 0 THEN
          args := args || substr(tree, length(head) + start, (token.i - start + 1)::int);
        END IF;
      ELSIF token.c = ')' AND depth = 0 THEN
        EXIT;
      END IF;
    END LOOP;
  END IF;
  IF coalesce(array_length(args, 1), 0) < 2 OR args[array_upper(args, 1)] NOT LIKE never THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'unsupported statement: IndexStmt';
  END IF;
  args := trim_array(args, 1);
  RETURN CASE array_length(args, 1) WHEN 1 THEN args[1]
    ELSE head || array_to_string(args, ' ') || ') :location -1}' END;
END $$;

-- Text as an expression tree. For the superuser only: PostgreSQL trusts such a tree.
CREATE OR REPLACE FUNCTION pg_treeline.as_tree(text) RETURNS pg_node_tree
LANGUAGE internal IMMUTABLE STRICT AS 'xmltotext';

-- Turns a placeholder into an index that is being built. For everybody, on an index of one's own:
-- SECURITY DEFINER to write pg_index. The tree comes from the catalog, never from the caller.
CREATE OR REPLACE FUNCTION pg_treeline.submit_build(index oid) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  tree text;
BEGIN
  PERFORM pg_treeline.require_owner(index);
  SELECT indpred::text INTO tree FROM pg_index WHERE indexrelid = index AND indisvalid;
  tree := pg_treeline.real_predicate(coalesce(tree, ''));
  UPDATE pg_index SET indisvalid = false, indisready = false,
                      indpred = pg_treeline.as_tree(tree)
   WHERE indexrelid = index;
  RETURN pg_treeline.submit_job('INDEX_BUILD', index, NULL);
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.submit_build(oid) TO PUBLIC;

-- A job that has nothing to do: the index of IF NOT EXISTS is there already. For everybody, on
-- relations of one's own.
CREATE OR REPLACE FUNCTION pg_treeline.submit_nothing(relation oid) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_treeline.require_owner(relation);
  RETURN pg_treeline.submit_job('INDEX_BUILD', relation, NULL);
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.submit_nothing(oid) TO PUBLIC;

-- What CREATE INDEX ASYNC is rewritten to. For everybody, with the caller's own rights and search
-- path: the names in the statement are the caller's. `predicate` is not used: the placeholder has it.
CREATE OR REPLACE FUNCTION pg_treeline.create_index(relation text, placeholder text, predicate text)
RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  before oid[] := ARRAY(SELECT i.indexrelid FROM pg_catalog.pg_index i
    WHERE i.indrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(relation)::pg_catalog.oid);
  created oid;
BEGIN
  EXECUTE placeholder;
  SELECT i.indexrelid INTO created FROM pg_catalog.pg_index i
    WHERE i.indrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(relation)::pg_catalog.oid
      AND i.indexrelid OPERATOR(pg_catalog.<>) ALL (before);
  IF created IS NULL THEN
    RETURN pg_treeline.submit_nothing(pg_catalog.to_regclass(relation)::pg_catalog.oid);
  END IF;
  RETURN pg_treeline.submit_build(created);
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.create_index(text, text, text) TO PUBLIC;

-- For everybody, on a table of one's own, whatever the arguments.
CREATE OR REPLACE FUNCTION pg_treeline.submit_validation(relation oid, name text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
  table_name text := (SELECT relname FROM pg_class WHERE oid = relation);
BEGIN
  PERFORM pg_treeline.require_owner(relation);
  SELECT oid, contype INTO c FROM pg_constraint WHERE conrelid = relation AND conname = name;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE =
      format('constraint "%s" of relation "%s" does not exist', name, table_name);
  ELSIF c.contype NOT IN ('c', 'f') THEN
    RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format(
      'constraint "%s" of relation "%s" is not a foreign key or check constraint', name, table_name);
  END IF;
  RETURN pg_treeline.submit_job('VALIDATE_CONSTRAINT', relation, c.oid);
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.submit_validation(oid, text) TO PUBLIC;

-- What ALTER TABLE ASYNC is rewritten to. For everybody, with the caller's own rights and search
-- path.
CREATE OR REPLACE FUNCTION pg_treeline.validate_constraint(relation text, name text)
RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN pg_treeline.submit_validation(relation::pg_catalog.regclass::pg_catalog.oid, name);
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.validate_constraint(text, text) TO PUBLIC;

-- For everybody. Not SECURITY DEFINER, and no SET clause: a procedure with either cannot COMMIT,
-- and without it, it would never see the end of the job.
CREATE OR REPLACE PROCEDURE sys.wait_for_job(job_id text, INOUT succeeded bool DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
  state text;
BEGIN
  IF job_id IS NULL OR job_id OPERATOR(pg_catalog.!~) '^[a-z2-7]{26}$' THEN
    RAISE EXCEPTION USING ERRCODE = '22P02', MESSAGE = 'Unable to convert text to UUID';
  END IF;
  LOOP
    state := (SELECT j.status FROM sys.jobs j
               WHERE j.job_id OPERATOR(pg_catalog.=) wait_for_job.job_id);
    IF state IS NULL THEN
      RAISE EXCEPTION USING ERRCODE = '42704',
        MESSAGE = pg_catalog.format('job "%s" does not exist', job_id);
    END IF;
    succeeded := CASE WHEN state OPERATOR(pg_catalog.=) 'completed' THEN true
                      WHEN state OPERATOR(pg_catalog.=) 'failed' THEN false END;
    EXIT WHEN succeeded IS NOT NULL;
    COMMIT;
    PERFORM pg_catalog.pg_sleep(0.1);
  END LOOP;
END $$;
GRANT EXECUTE ON PROCEDURE sys.wait_for_job(text, bool) TO PUBLIC;

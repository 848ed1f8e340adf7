-- Run-time parameters: `set_config`, `current_setting` and `version` as the service has them.

-- PostgreSQL's own move to pg_treeline, and new ones take their names: PostgreSQL runs a built-in
-- function by its OID, so replacing one would change nothing.
DO $$
DECLARE
  f text;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p
            WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.oid < 16384
              AND p.proname IN ('set_config', 'current_setting', 'version') LOOP
    EXECUTE format('ALTER FUNCTION pg_catalog.%s SET SCHEMA pg_treeline', f);
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION pg_treeline.set_config(text, text, bool) FROM PUBLIC;
-- The new `current_setting` is inlined into the caller's query, and what is left of it is these:
-- they tell nothing that they did not always tell.
GRANT EXECUTE ON FUNCTION pg_treeline.current_setting(text),
  pg_treeline.current_setting(text, bool) TO PUBLIC;

-- The parameters that clients may set.
CREATE OR REPLACE FUNCTION pg_treeline.parameters() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['application_name', 'client_encoding', 'datestyle', 'extra_float_digits',
  'intervalstyle', 'timezone', 'search_path', 'enable_bitmapscan', 'enable_hashjoin',
  'enable_indexonlyscan', 'enable_indexscan', 'enable_material', 'enable_mergejoin',
  'enable_nestloop', 'enable_seqscan', 'dsql.enable_batched_nestloop'];
GRANT EXECUTE ON FUNCTION pg_treeline.parameters() TO PUBLIC;

-- The name under which a parameter is kept, or the refusal. `disable_sync_create_index` is not
-- PostgreSQL's, and a parameter of an extension needs a dot.
CREATE OR REPLACE FUNCTION pg_treeline.settable(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF name IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'SET requires parameter name';
  ELSIF lower(name) = 'disable_sync_create_index' THEN
    RETURN 'dsql.disable_sync_create_index';
  -- asyncpg turns `jit` off before it looks a type up, and gives up if it may not. It is off.
  ELSIF lower(name) = 'jit' OR lower(name) = ANY (pg_treeline.parameters()) THEN
    RETURN name;
  END IF;
  RAISE EXCEPTION USING ERRCODE = '0A000',
    MESSAGE = format('setting configuration parameter "%s" not supported', name);
END $$;

-- A search path with pg_treeline in it would let a statement name the machinery without saying so.
CREATE OR REPLACE FUNCTION pg_treeline.setting_value(name text, value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF lower(name) = 'search_path' AND lower(value) LIKE '%pg\_treeline%' THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = 'setting configuration parameter "search_path" not supported';
  END IF;
  RETURN value;
END $$;

-- For everybody. SECURITY DEFINER to reach pg_treeline.set_config, for the parameters in the list only,
-- all of which any user may set. No SET clause: it would undo a search_path at the end. None is
-- needed, since a body of this form is bound to its functions when it is created.
CREATE OR REPLACE FUNCTION pg_catalog.set_config(text, text, bool) RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER COST 1
RETURN pg_treeline.set_config(pg_treeline.settable($1), pg_treeline.setting_value($1, $2), $3);

-- RESET ALL, which would reset what pg_treeline counts in a transaction as well. For everybody, with
-- the caller's own rights.
CREATE OR REPLACE FUNCTION pg_treeline.reset_all() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  name pg_catalog.text;
BEGIN
  FOREACH name IN ARRAY pg_treeline.parameters() LOOP
    EXECUTE pg_catalog.format('RESET %s', name);
  END LOOP;
  RESET dsql.disable_sync_create_index;
  RESET default_transaction_read_only;
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.reset_all() TO PUBLIC;

-- Parameters until PostgreSQL 15 that later ones do not have. For everybody.
CREATE OR REPLACE FUNCTION pg_treeline.no_setting(name text, missing_ok bool) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT missing_ok THEN
    RAISE EXCEPTION USING ERRCODE = '42704',
      MESSAGE = format('unrecognized configuration parameter "%s"', name);
  END IF;
  RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.no_setting(text, bool) TO PUBLIC;

-- For everybody. Not STRICT, or they could not be inlined; NULL gives NULL all the same.
CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE COST 1
RETURN CASE lower($1)
  WHEN 'server_version' THEN {server_version}
  WHEN 'server_version_num' THEN {server_version_num}
  WHEN 'max_connections' THEN '20'
  WHEN 'disable_sync_create_index'
    THEN coalesce(nullif(pg_treeline.current_setting('dsql.disable_sync_create_index', true), ''), 'on')
  WHEN 'lc_collate' THEN pg_treeline.no_setting($1, false)
  WHEN 'lc_ctype' THEN pg_treeline.no_setting($1, false)
  ELSE pg_treeline.current_setting($1) END;

CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text, bool) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE COST 1
RETURN CASE lower($1)
  WHEN 'server_version' THEN {server_version}
  WHEN 'server_version_num' THEN {server_version_num}
  WHEN 'max_connections' THEN '20'
  WHEN 'disable_sync_create_index'
    THEN coalesce(nullif(pg_treeline.current_setting('dsql.disable_sync_create_index', true), ''), 'on')
  WHEN 'lc_collate' THEN pg_treeline.no_setting($1, $2)
  WHEN 'lc_ctype' THEN pg_treeline.no_setting($1, $2)
  ELSE pg_treeline.current_setting($1, $2) END;

CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE COST 1 RETURN {version};
GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, bool), pg_catalog.current_setting(text),
  pg_catalog.current_setting(text, bool), pg_catalog.version() TO PUBLIC;

-- PostgreSQL's functions that clients may not execute.

-- A rule is an anchored regular expression over the name of a function. Rules may match nothing:
-- PostgreSQL 14 to 18 differ.
CREATE OR REPLACE FUNCTION pg_treeline.forbidden_functions() RETURNS SETOF text
LANGUAGE sql STABLE
RETURN unnest(ARRAY[
  -- files, directories, programs, configuration, the log
  'pg_(read|ls|logdir|hba|ident_file|show_all_file)_.*', 'pg_(stat_file|current_logfile)',
  'pg_(rotate|reload)_.*', 'pg_(filenode_relation|relation_filepath|relation_filenode|tablespace_databases)',
  'pg_control_.*',
  -- large objects
  'lo_.*', 'loread', 'lowrite',
  -- other sessions: locks, messages, signals, snapshots
  'pg_(try_)?advisory_.*', 'pg_notify', 'pg_(cancel|terminate)_.*', 'pg_export_snapshot',
  'pg_log_.*', 'pg_isolation_test.*', 'pg_get_(backend_memory|process_memory|shmem|loaded).*',
  -- the write-ahead log, replication, recovery, upgrades
  'pg_logical_.*', 'pg_(create|copy|drop)_.*slot', 'pg_replication_.*', 'pg_sync_replication.*',
  'pg_(switch|create|promote|backup|start|stop|wal|walfile|split_walfile|available_wal)(_.*)?',
  'pg_(current|last)_(wal|xlog).*', 'pg_get_wal_.*', 'binary_upgrade_.*',
  'pg_(nextoid|stop_making_pinned_objects|import_system_collations|extension_config_dump)',
  -- maintenance and statistics
  'pg_stat_(reset|force|clear).*', 'pg_(restore|clear|set)_.*_stats',
  'brin_(summarize|desummarize)_.*', 'gin_clean_pending_list',
  -- SQL in a string
  '(query|cursor|table|schema|database)_to_xml.*', 'ts_stat', 'dblink.*',
  -- refused by the service by name
  'lastval', 'pg_(table|indexes|total_relation|relation|database|tablespace)_size',
  -- called by PostgreSQL itself, never by name
  '.*_validator', 'currtid2?', 'plpgsql_inline_handler'
]);

CREATE OR REPLACE FUNCTION pg_treeline.is_forbidden(function pg_catalog.oid) RETURNS bool
LANGUAGE sql STABLE
RETURN (
  SELECT EXISTS (SELECT FROM pg_treeline.forbidden_functions() r(rule)
                  WHERE p.proname ~ ('^(?:' || rule || ')$'))
         -- its namesake with two queries in it is harmless
         OR p.oid = 'pg_catalog.ts_rewrite(tsquery, text)'::regprocedure
    FROM pg_proc p WHERE p.oid = function);

DO $$
DECLARE
  f regprocedure;
BEGIN
  FOR f IN
    SELECT p.oid FROM pg_proc p
     WHERE p.pronamespace = 'pg_catalog'::regnamespace AND pg_treeline.is_forbidden(p.oid)
       AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))
  LOOP
    EXECUTE format('REVOKE EXECUTE ON %s %s FROM PUBLIC',
      (SELECT CASE prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END FROM pg_proc WHERE oid = f), f);
  END LOOP;
END $$;

-- A view whose rule calls the original `set_config`.
REVOKE UPDATE ON pg_settings FROM PUBLIC;

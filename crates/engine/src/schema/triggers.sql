-- Last, so that nothing above fires them on a new instance.
DROP EVENT TRIGGER IF EXISTS treeline_before;
DROP EVENT TRIGGER IF EXISTS treeline_after;
DROP EVENT TRIGGER IF EXISTS treeline_drop;
CREATE EVENT TRIGGER treeline_before ON ddl_command_start EXECUTE FUNCTION pg_treeline.before_ddl();
CREATE EVENT TRIGGER treeline_after ON ddl_command_end EXECUTE FUNCTION pg_treeline.after_ddl();
CREATE EVENT TRIGGER treeline_drop ON sql_drop EXECUTE FUNCTION pg_treeline.after_drop();
RESET search_path;
RESET client_min_messages;

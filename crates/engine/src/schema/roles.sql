-- Roles, schemas and who may use them. Everything here can run again.
SET client_min_messages = warning;
SET search_path = pg_catalog, pg_temp;

-- Client logins are ordinary roles; `admin` is the first of them.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {admin}) THEN
    CREATE ROLE {admin_role};
  END IF;
END $$;
ALTER ROLE {admin_role} LOGIN CREATEROLE INHERIT NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS;

-- Up to PostgreSQL 15, CREATEROLE may grant every role that is not a superuser, and so
-- `pg_execute_server_program`. Nobody can log in as these roles and nobody is a member of one,
-- so the attribute only closes that door.
UPDATE pg_authid SET rolsuper = true
 WHERE (SELECT setting::int FROM pg_settings WHERE name = 'server_version_num') < 160000
   AND oid < 16384 AND rolname LIKE 'pg\_%' AND NOT rolsuper;

-- CREATE on the database is for schemas.
DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO {members}', current_database());
  EXECUTE format('GRANT CREATE ON DATABASE %I TO {admin_role}', current_database());
END $$;

ALTER SCHEMA public OWNER TO {admin_role};
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO PUBLIC;

-- The name starts with `pg_` so that clients which list schemas skip it.
SET allow_system_table_mods = on;
CREATE SCHEMA IF NOT EXISTS pg_treeline;
RESET allow_system_table_mods;
CREATE SCHEMA IF NOT EXISTS sys;
-- Rewritten statements of clients call functions of pg_treeline by name. Nobody may execute what
-- has no GRANT below.
REVOKE ALL ON SCHEMA pg_treeline, sys FROM PUBLIC;
GRANT USAGE ON SCHEMA pg_treeline, sys TO PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- No code but SQL: neither DO nor CREATE FUNCTION has another language.
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;

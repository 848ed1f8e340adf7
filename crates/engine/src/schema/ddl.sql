-- What the service says about tables, checked against the catalog rather than the statement:
-- LIKE, domains and several actions in one ALTER TABLE look alike here.

CREATE SEQUENCE IF NOT EXISTS pg_treeline.catalog_version;

-- Primary keys as they were created, to know one when it is dropped.
CREATE TABLE IF NOT EXISTS pg_treeline.primary_keys (
  constraint_id oid PRIMARY KEY, relation oid NOT NULL, columns int2[] NOT NULL);
CREATE INDEX IF NOT EXISTS primary_keys_relation ON pg_treeline.primary_keys (relation);

-- Schemas that are not counted and not a client's to change.
CREATE OR REPLACE FUNCTION pg_treeline.is_system_schema(name text) RETURNS bool
LANGUAGE sql IMMUTABLE
RETURN name LIKE 'pg\_%' OR name IN ('information_schema', 'public', 'sys');

-- The type below domains.
CREATE OR REPLACE FUNCTION pg_treeline.base_type(type oid) RETURNS oid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE base(id, below, kind) AS (
    SELECT oid, typbasetype, typtype FROM pg_type WHERE oid = type
    UNION ALL SELECT t.oid, t.typbasetype, t.typtype FROM base JOIN pg_type t ON t.oid = below
     WHERE kind = 'd')
  SELECT id FROM base WHERE kind <> 'd'
$$;

-- 0A000 for a type that cannot be stored.
CREATE OR REPLACE FUNCTION pg_treeline.check_type(type oid, typmod int) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  base oid := pg_treeline.base_type(type);
BEGIN
  IF base <> ALL (ARRAY['bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'bpchar',
      'varchar', 'text', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval', 'uuid',
      'bytea', 'json', 'jsonb']::regtype[]::oid[]) THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('datatype %s not supported', format_type(base, NULL));
  END IF;
  -- typmod counts the four bytes of the length word
  IF base = 'bpchar'::regtype AND typmod - 4 > 4096 THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = 'Datatype limit greater than 4096 bytes not supported for char';
  ELSIF base = 'varchar'::regtype AND typmod - 4 > 65535 THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = 'Datatype limit greater than 65535 bytes not supported for varchar';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.check_index(index oid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  key record;
BEGIN
  IF (SELECT indnkeyatts > 8 FROM pg_index WHERE indexrelid = index) THEN
    RAISE EXCEPTION USING ERRCODE = '54011',
      MESSAGE = 'more than 8 column keys in an index are not supported';
  END IF;
  FOR key IN
    SELECT a.atttypid AS type, a.atttypmod AS typmod, pg_treeline.base_type(a.atttypid) AS base
      FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid
     WHERE i.indexrelid = index AND a.attnum <= i.indnkeyatts ORDER BY a.attnum
  LOOP
    IF key.base <> ALL (ARRAY['bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric',
        'bpchar', 'varchar', 'text', 'date', 'time', 'timestamp', 'timestamptz',
        'uuid']::regtype[]::oid[]) THEN
      RAISE EXCEPTION USING ERRCODE = '0A000',
        MESSAGE = format('datatype %s is not supported in a key', format_type(key.base, NULL));
    ELSIF key.base IN ('bpchar'::regtype, 'varchar'::regtype) AND key.typmod - 4 > 2000 THEN
      RAISE EXCEPTION USING ERRCODE = '54000',
        MESSAGE = 'key size greater than 2000 bytes not supported';
    END IF;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.check_table(relation oid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  identity regtype := (SELECT min(a.atttypid) FROM pg_attribute a
                        WHERE a.attrelid = relation AND a.attidentity <> ''
                          AND a.atttypid <> 'bigint'::regtype);
BEGIN
  IF identity IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('datatype %s not supported, identity column type must be bigint', identity);
  END IF;
  PERFORM pg_treeline.check_type(a.atttypid, a.atttypmod)
    FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
   ORDER BY a.attnum;
  IF (SELECT count(*) FROM pg_attribute a
       WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped) > 255 THEN
    RAISE EXCEPTION USING ERRCODE = '54011', MESSAGE = 'tables can have at most 255 columns';
  END IF;
  PERFORM pg_treeline.check_index(i.indexrelid) FROM pg_index i WHERE i.indrelid = relation;
  IF (SELECT count(*) FROM pg_index i WHERE i.indrelid = relation) > 24 THEN
    RAISE EXCEPTION USING ERRCODE = '54000',
      MESSAGE = 'more than 24 indexes per table are not allowed';
  END IF;
  INSERT INTO pg_treeline.primary_keys
    SELECT c.oid, c.conrelid, c.conkey FROM pg_constraint c
     WHERE c.conrelid = relation AND c.contype = 'p'
    ON CONFLICT (constraint_id) DO NOTHING;
END $$;

-- 54000 when there are more relations of this kind, or schemas, than a database may have.
CREATE OR REPLACE FUNCTION pg_treeline.check_count(kind text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF kind = 'schema' THEN
    IF (SELECT count(*) FROM pg_namespace WHERE NOT pg_treeline.is_system_schema(nspname)) > 10 THEN
      RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'more than 10 schemas not allowed';
    END IF;
  ELSIF (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind = CASE kind WHEN 'table' THEN 'r' WHEN 'view' THEN 'v' ELSE 'S' END::"char"
            AND (n.nspname = 'public' OR NOT pg_treeline.is_system_schema(n.nspname)))
        > (CASE kind WHEN 'table' THEN 1000 ELSE 5000 END) THEN
    RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = CASE kind
      WHEN 'table' THEN 'creating more than 1000 tables not allowed'
      WHEN 'view' THEN 'creating more than 5000 views not allowed'
      ELSE 'creating more than 5000 sequences is not allowed' END;
  END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.check_statistics(statistics oid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (SELECT count(*) FROM pg_statistic_ext e WHERE e.stxrelid =
       (SELECT stxrelid FROM pg_statistic_ext WHERE oid = statistics)) > 5 THEN
    RAISE EXCEPTION USING ERRCODE = '54000',
      MESSAGE = 'more than 5 extended statistics per table are not allowed';
  END IF;
END $$;

-- One command of a DDL statement of a client, after it ran.
CREATE OR REPLACE FUNCTION pg_treeline.check_command(tag text, kind text, class oid, object oid)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  CASE kind
    WHEN 'table', 'table column', 'table constraint' THEN
      PERFORM pg_treeline.check_table(object);
      IF tag = 'CREATE TABLE' THEN
        PERFORM pg_treeline.check_count('table'), pg_treeline.watch_rows(object),
                pg_treeline.submit_job('ANALYZE', object, NULL);
      END IF;
    WHEN 'index' THEN
      PERFORM pg_treeline.check_table(i.indrelid) FROM pg_index i WHERE i.indexrelid = object;
    WHEN 'view' THEN
      IF octet_length(pg_get_viewdef(object)) > 2097152 THEN
        RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'view definition too large';
      END IF;
      PERFORM pg_treeline.check_count(kind);
    WHEN 'sequence' THEN
      PERFORM pg_treeline.check_count(kind);
    WHEN 'domain', 'type' THEN
      PERFORM pg_treeline.check_type(t.oid, t.typtypmod) FROM pg_type t
        WHERE t.oid = object AND t.typtype = 'd';
    WHEN 'statistics object' THEN
      PERFORM pg_treeline.check_statistics(object);
    WHEN 'schema' THEN
      IF tag = 'CREATE SCHEMA' THEN
        PERFORM pg_treeline.check_count(kind);
      ELSIF object IN (to_regnamespace('public'), to_regnamespace('sys'))
         OR NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public') THEN
        RAISE EXCEPTION USING ERRCODE = '0A000',
          MESSAGE = 'feature not supported on system entity';
      END IF;
    ELSE NULL;
  END CASE;
END $$;

-- Whether DDL is the service's own: done by the superuser in a session of the superuser.
CREATE OR REPLACE FUNCTION pg_treeline.is_own_session() RETURNS bool
LANGUAGE sql STABLE
RETURN (SELECT rolsuper FROM pg_roles WHERE rolname = session_user);

-- Event triggers: run by whoever runs DDL, with rights they need for pg_treeline's tables. They are
-- given nothing but what PostgreSQL reports about the statement.
CREATE OR REPLACE FUNCTION pg_treeline.after_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- shadow_make: nothing of a client's changes
  IF pg_treeline.current_setting('pg_treeline.making', true) = 'on' AND pg_treeline.is_own_session() THEN
    RETURN;
  END IF;
  PERFORM nextval('pg_treeline.catalog_version');
  IF pg_treeline.is_own_session() THEN
    RETURN;
  ELSIF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() c WHERE c.schema_name LIKE 'pg\_treeline%') THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'feature not supported on system entity';
  END IF;
  PERFORM pg_treeline.check_command(c.command_tag, c.object_type, c.classid, c.objid)
    FROM pg_event_trigger_ddl_commands() c WHERE c.objid <> 0;
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.after_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  dropped record;
  columns text;
BEGIN
  IF pg_treeline.is_own_session() THEN
    RETURN;
  END IF;
  FOR dropped IN SELECT * FROM pg_event_trigger_dropped_objects() LOOP
    IF dropped.object_type = 'table constraint' AND EXISTS (
        SELECT FROM pg_treeline.primary_keys k JOIN pg_class c ON c.oid = k.relation
         WHERE k.constraint_id = dropped.objid) THEN
      SELECT d.address_names[3] INTO columns
        FROM pg_event_trigger_dropped_objects() d
        JOIN pg_treeline.primary_keys k ON d.objid = k.relation AND d.objsubid = ANY (k.columns)
       WHERE k.constraint_id = dropped.objid LIMIT 1;
      RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = CASE
        WHEN columns IS NULL THEN 'unsupported ALTER TABLE DROP CONSTRAINT statement'
        ELSE format('cannot drop primary key column %s', columns) END;
    ELSIF dropped.object_type = 'schema' AND dropped.object_name IN ('public', 'sys', 'pg_treeline')
       OR (dropped.schema_name LIKE 'pg\_treeline%' OR dropped.object_type = 'trigger')
          AND dropped.original THEN
      RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'feature not supported on system entity';
    ELSIF dropped.classid = 'pg_class'::regclass AND dropped.objsubid = 0
          AND dropped.object_type IN ('table', 'index') THEN
      DELETE FROM pg_treeline.primary_keys WHERE relation = dropped.objid;
      PERFORM pg_treeline.log_drop(dropped.objid);
    END IF;
  END LOOP;
END $$;

-- The second line behind the dialect: no DDL of a kind that the service does not have. With the
-- rights of whoever runs it, so that code of a client's in a session of the superuser is caught
-- as well.
CREATE OR REPLACE FUNCTION pg_treeline.before_ddl() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_TAG !~ '^(CREATE|ALTER|DROP) (TABLE|INDEX|VIEW|SEQUENCE|SCHEMA|DOMAIN|STATISTICS|FUNCTION)$'
     AND TG_TAG <> ALL (ARRAY['GRANT', 'REVOKE', 'COMMENT', 'ALTER DEFAULT PRIVILEGES',
       'DROP TRIGGER', 'REINDEX'])
     AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format('unsupported statement: %s',
      replace(initcap(TG_TAG), ' ', ''));
  END IF;
END $$;


-- Making a slot's objects. On a connection of the gateway's own, since what a transaction creates
-- nobody else sees; no event trigger of clients' DDL fires and nobody is waited for.

CREATE OR REPLACE FUNCTION pg_treeline.shadow_function(relation oid, slot int, letter text,
  arguments text, result text, body text, owner name) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text := pg_treeline.shadow_object(relation, slot, letter);
BEGIN
  EXECUTE format('CREATE OR REPLACE FUNCTION %s(%s) RETURNS %s LANGUAGE plpgsql SECURITY DEFINER AS %L',
    name, arguments, result, body);
  IF slot = 0 THEN
    -- What stays when the catalog changes keeps no role from being dropped.
    UPDATE pg_proc SET proowner = quote_ident(owner)::regrole
     WHERE oid = format('%s(%s)', name, arguments)::regprocedure;
  ELSIF owner <> current_user THEN
    EXECUTE format('ALTER FUNCTION %s(%s) OWNER TO %I', name, arguments, owner);
  END IF;
  -- not even the owner's to call, who would run with it what the dialect refuses
  UPDATE pg_proc SET proacl = ARRAY[makeaclitem(u, u, 'EXECUTE', false)]
    FROM (SELECT current_user::regrole::oid) c(u)
   WHERE oid = format('%s(%s)', name, arguments)::regprocedure;
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.shadow_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied for system entity';
END $$;

-- Nobody writes to a slot but the transaction that has entered it.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_guard(object text, slot int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($f$CREATE TRIGGER a_guard BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT
    WHEN (pg_treeline.current_setting('pg_treeline.slot', true) IS DISTINCT FROM '%s')
    EXECUTE FUNCTION pg_treeline.shadow_refuse()$f$, object, slot);
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.shadow_schemas(slot int, base text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY[pg_treeline.shadow_schema('over', slot, base),
      pg_treeline.shadow_schema('hid', slot), pg_treeline.shadow_schema('seen', slot, base)] LOOP
    IF to_regnamespace(quote_ident(name)) IS NOT NULL THEN
      CONTINUE;
    END IF;
    EXECUTE format('CREATE SCHEMA %I', name);
    IF name LIKE 'pg\_treeline\_seen%' THEN
      -- found along a path by those who find the schema of clients
      UPDATE pg_namespace SET nspacl = ARRAY(SELECT makeaclitem(a.grantee, s.nspowner, 'USAGE', false)
          FROM pg_namespace b, aclexplode(coalesce(b.nspacl, acldefault('n', b.nspowner))) a
         WHERE b.nspname = base AND a.privilege_type = 'USAGE')
        FROM pg_namespace s WHERE s.nspname = name AND pg_namespace.oid = s.oid;
    ELSE
      EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', name);
    END IF;
  END LOOP;
END $$;

-- The tables of a shadow. The overlay is the owner's, for the sake of its expressions.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_tables(relation oid, slot int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  n record := pg_treeline.shadow_names(relation, slot);
  i record;
  rights aclitem[] := ARRAY(SELECT makeaclitem(relowner, relowner, r, false)
    FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) r WHERE oid = relation);
BEGIN
  EXECUTE format('CREATE UNLOGGED TABLE %s (LIKE %s INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING DEFAULTS)',
    n.over, n.base);
  EXECUTE format('ALTER TABLE %s OWNER TO %I', n.over, n.owner);
  -- was: d(eleted), u(pdated), h: in the overlay, unchanged, for ON CONFLICT
  EXECUTE format('CREATE UNLOGGED TABLE %s (base tid PRIMARY KEY, over tid, was "char")', n.hid);
  EXECUTE format('CREATE INDEX ON %s (over)', n.hid);
  UPDATE pg_class SET relacl = rights WHERE oid = n.hid::regclass;
  IF pg_treeline.shadow_event(relation, slot) IS NOT NULL THEN
    EXECUTE format('CREATE UNLOGGED TABLE %s (op "char", old %s, new %2$s)',
      pg_treeline.shadow_object(relation, slot, 'e'), n.base);
    UPDATE pg_class SET relacl = rights
     WHERE oid = pg_treeline.shadow_object(relation, slot, 'e')::regclass;
  END IF;
  FOR i IN SELECT format('CREATE UNIQUE INDEX %I ON %s USING ', c.relname, n.base) AS head,
                  format('CREATE UNIQUE INDEX %I ON %s USING ', c.relname, n.over) AS own,
                  pg_get_indexdef(x) AS def, c.relname,
                  -- for ON CONFLICT ON CONSTRAINT
                  CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' END AS kind
             FROM pg_treeline.shadow_indexes(relation) x JOIN pg_class c ON c.oid = x
             LEFT JOIN pg_constraint k ON k.conindid = x AND k.contype IN ('p', 'u') AND NOT k.condeferrable LOOP
    EXECUTE i.own || substr(i.def, length(i.head) + 1);
    IF i.kind IS NOT NULL THEN
      EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s USING INDEX %2$I', n.over, i.relname, i.kind);
    END IF;
  END LOOP;
END $$;

-- The view in the table's place. What it takes for a missing value is the table's.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_view(relation oid, slot int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  n record := pg_treeline.shadow_names(relation, slot);
  columns text := pg_treeline.shadow_columns(relation, '%1$s');
  c record;
BEGIN
  EXECUTE format('CREATE VIEW %s AS SELECT %s FROM %s tl_b
    WHERE NOT EXISTS (SELECT FROM %s tl_h WHERE tl_h.base = tl_b.ctid) UNION ALL SELECT %2$s FROM %5$s',
    n.seen, columns, n.base, n.hid, n.over);
  FOR c IN SELECT a.attname, a.attidentity AS identity, pg_get_expr(d.adbin, d.adrelid) AS value,
                  pg_get_serial_sequence(n.base, a.attname) AS sequence
             FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
              AND (a.attidentity <> '' OR d.adbin IS NOT NULL) LOOP
    IF c.identity <> '' THEN
      c.value := format('pg_treeline.shadow_nextval(%L)', c.sequence);
      EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', n.over, c.attname, c.value);
    END IF;
    IF c.identity <> 'a' THEN
      EXECUTE format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s', n.seen, c.attname, c.value);
    END IF;
  END LOOP;
  PERFORM pg_treeline.shadow_rights(relation, n.seen::regclass),
          pg_treeline.shadow_rights(relation, n.over::regclass);
END $$;

-- Who may do what: as with the original.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_rights(relation oid, copy oid) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  UPDATE pg_class c SET relacl = coalesce(o.relacl, acldefault('r', o.relowner))
    FROM pg_class o WHERE o.oid = relation AND c.oid = copy;
  UPDATE pg_attribute c SET attacl = o.attacl FROM pg_attribute o
   WHERE o.attrelid = relation AND o.attacl IS NOT NULL AND c.attrelid = copy AND c.attname = o.attname;
$$;

CREATE OR REPLACE FUNCTION pg_treeline.shadow_triggers(relation oid, slot int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  n record := pg_treeline.shadow_names(relation, slot);
  call text := format('EXECUTE FUNCTION pg_treeline_hid_%s.', slot);
  -- unless the machinery itself is at work: see shadow_mute
  live text := 'left(pg_treeline.current_setting(''pg_treeline.work'', true), 1) IS DISTINCT FROM ''-''';
BEGIN
  PERFORM pg_treeline.shadow_guard(o, slot) FROM unnest(ARRAY[n.seen, n.over, n.hid]) o;
  PERFORM pg_treeline.shadow_function(relation, slot, f.letter, f.arguments, f.result, f.body, n.owner)
    FROM (VALUES
      ('w', '', 'trigger', pg_treeline.shadow_write(relation, slot)),
      ('f', '', 'trigger', pg_treeline.shadow_follow(relation, slot)),
      ('c', '', 'trigger', pg_treeline.shadow_clash(relation, slot)),
      ('l', 'tid[], text[]', 'void', pg_treeline.shadow_fill(relation, slot)),
      ('a', 'text', 'int8', pg_treeline.shadow_steps(relation, slot))) f(letter, arguments, result, body);
  EXECUTE format('CREATE TRIGGER write INSTEAD OF INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW %sw%s()',
    n.seen, call, relation);
  EXECUTE format('CREATE TRIGGER b_follow AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW
    WHEN (%s) %sf%s()', n.over, live, call, relation);
  EXECUTE format('CREATE TRIGGER a_count AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW WHEN (%s)
    EXECUTE FUNCTION pg_treeline.count_row(%L)', n.over, live, relation);
  EXECUTE format('CREATE TRIGGER count AFTER INSERT ON %s FOR EACH ROW WHEN (NEW.was = ''d'' AND %s)
    EXECUTE FUNCTION pg_treeline.count_row(%L)', n.hid, live, relation);
  EXECUTE format('CREATE TRIGGER clash BEFORE INSERT ON %s FOR EACH ROW WHEN (pg_trigger_depth() = 0
    AND pg_treeline.current_setting(''pg_treeline.hydrate'', true) <> '''') %sc%s()', n.over, call, relation);
END $$;

-- Foreign keys, again whenever a neighbour has been made: its view is in their code then.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_refers(relation oid, slot int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  n record := pg_treeline.shadow_names(relation, slot);
  name text := pg_treeline.shadow_object(relation, slot, 'r');
  -- Between tables of several owners, of whom none may read all, the superuser looks; but only where
  -- there is nothing of a client's to run. SET DEFAULT runs an expression.
  ours bool := (
    SELECT count(DISTINCT t.relowner) > 1 AND bool_and(pg_treeline.shadow_plain(t.oid))
           AND bool_and(c.confdeltype <> 'd' AND c.confupdtype <> 'd')
      FROM pg_constraint c JOIN pg_class t ON t.oid IN (c.conrelid, c.confrelid)
     WHERE c.contype = 'f' AND relation IN (c.conrelid, c.confrelid));
BEGIN
  IF to_regclass(pg_treeline.shadow_object(relation, slot, 'e')) IS NULL THEN
    RETURN;
  END IF;
  PERFORM pg_treeline.shadow_function(relation, slot, 'r', '', 'trigger', pg_treeline.shadow_refer(relation, slot),
    CASE WHEN ours THEN current_user ELSE n.owner END);
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = n.seen::regclass AND tgname = 'refer') THEN
    EXECUTE format('CREATE TRIGGER refer AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT
      EXECUTE FUNCTION %s()', n.seen, name);
    EXECUTE format('CREATE TRIGGER refer AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT
      WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION %s()', n.over, name);
  END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.shadow_is_clients(schema text) RETURNS bool
LANGUAGE sql IMMUTABLE
RETURN schema = 'public' OR NOT pg_treeline.is_system_schema(schema);

-- Clients' views over tables, and tables under views: (view, relation it reads).
CREATE OR REPLACE FUNCTION pg_treeline.shadow_reads() RETURNS TABLE (view oid, reads oid)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT DISTINCT r.ev_class, d.refobjid
      FROM pg_rewrite r
      JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
       AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
      JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
      JOIN pg_class c ON c.oid = d.refobjid AND c.relkind IN ('r', 'v')
      JOIN pg_namespace vn ON vn.oid = v.relnamespace JOIN pg_namespace cn ON cn.oid = c.relnamespace
     WHERE pg_treeline.shadow_is_clients(vn.nspname) AND pg_treeline.shadow_is_clients(cn.nspname);
END $$;

-- A relation and what must be made with it: tables that foreign keys change when it changes, views
-- over these tables, and all tables under these views.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_circle(relation oid) RETURNS oid[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    WITH RECURSIVE reads AS MATERIALIZED (SELECT * FROM pg_treeline.shadow_reads()),
    next(one, other) AS MATERIALIZED (
      SELECT view, reads FROM reads UNION ALL SELECT reads, view FROM reads
      UNION ALL SELECT confrelid, conrelid FROM pg_constraint
       WHERE contype = 'f' AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))),
    circle(id) AS (
      SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.oid = relation AND c.relkind IN ('r', 'v') AND pg_treeline.shadow_is_clients(n.nspname)
      UNION SELECT next.other FROM circle JOIN next ON next.one = circle.id)
    SELECT array_agg(id) FROM circle);
END $$;

-- A client's view in the slot: the same text with the slot's names in it. One that cannot be made
-- (it groups by a primary key) makes the statement fail that reads it.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_client_view(relation oid, slot int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  n record := pg_treeline.shadow_names(relation, slot);
  definition text := pg_get_viewdef(relation);
  r record;
BEGIN
  FOR r IN SELECT x.base, x.seen FROM pg_treeline.shadow_reads() d, pg_treeline.shadow_names(d.reads, slot) x
            WHERE d.view = relation LOOP
    -- every other piece is a constant
    definition := (
      SELECT string_agg(CASE WHEN p.at % 2 = 0 THEN piece ELSE
               regexp_replace(piece, format('(^|[\s(,])%s(?=[\s),;]|$)', regexp_replace(r.base, '(\W)', '\\\1', 'g')),
                 '\1' || replace(r.seen, '\', '\\'), 'g') END, '''' ORDER BY p.at)
        FROM string_to_table(definition, '''') WITH ORDINALITY p(piece, at));
  END LOOP;
  BEGIN
    EXECUTE format('CREATE VIEW %s (%s) AS %s', n.seen, pg_treeline.shadow_columns(relation, '%1$s'), definition);
  EXCEPTION WHEN grouping_error THEN
    EXECUTE format('CREATE VIEW %s AS SELECT * FROM %s WHERE pg_treeline.shadow_unseen()', n.seen, n.base);
  END;
  EXECUTE format('ALTER VIEW %s OWNER TO %I', n.seen, n.owner);
  UPDATE pg_class c SET reloptions = o.reloptions FROM pg_class o
   WHERE o.oid = relation AND c.oid = n.seen::regclass;
  PERFORM pg_treeline.shadow_rights(relation, n.seen::regclass);
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.shadow_unseen() RETURNS bool
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = '40001',
    MESSAGE = 'change conflicts with another transaction (OC000)';
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.shadow_unseen() TO PUBLIC;

-- Makes what a slot lacks for a relation.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_make(relation oid, slot int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET pg_treeline.making = 'on'
SET allow_system_table_mods = on SET client_min_messages = warning AS $$
DECLARE
  missing oid[] := ARRAY(SELECT c FROM unnest(pg_treeline.shadow_circle(relation)) c,
    pg_treeline.shadow_names(c, slot) n WHERE to_regclass(n.seen) IS NULL);
  tables oid[] := ARRAY(SELECT m FROM unnest(missing) m JOIN pg_class c ON c.oid = m WHERE c.relkind = 'r');
  item oid;
BEGIN
  PERFORM pg_treeline.shadow_schemas(slot, n.schema)
    FROM (SELECT DISTINCT x.schema FROM unnest(missing) m, pg_treeline.shadow_names(m, slot) x) n;
  FOREACH item IN ARRAY tables LOOP
    PERFORM pg_treeline.shadow_tables(item, slot);
    PERFORM pg_treeline.shadow_view(item, slot);
    PERFORM pg_treeline.shadow_triggers(item, slot);
  END LOOP;
  FOR item IN SELECT m FROM unnest(tables) m UNION
      SELECT o FROM pg_constraint c, LATERAL (VALUES (c.conrelid, c.confrelid), (c.confrelid, c.conrelid)) v(m, o)
       WHERE c.contype = 'f' AND m = ANY (tables) LOOP
    PERFORM pg_treeline.shadow_refers(item, slot);
  END LOOP;
  -- a view after those that it reads
  FOR item IN WITH RECURSIVE reads AS MATERIALIZED (SELECT * FROM pg_treeline.shadow_reads()),
      deep(id, depth) AS (SELECT view, 1 FROM reads WHERE view = ANY (missing)
        UNION SELECT r.view, d.depth + 1 FROM deep d JOIN reads r ON r.reads = d.id)
      SELECT id FROM deep WHERE id = ANY (missing) GROUP BY id ORDER BY max(depth) LOOP
    PERFORM pg_treeline.shadow_client_view(item, slot);
  END LOOP;
END $$;

-- Everything of a slot, or of all, goes; before DDL, which would stumble over it. What there is of
-- slot 0 depends on nothing.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_drop(slot int DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET session_replication_role = replica
SET client_min_messages = warning AS $$
DECLARE
  schema text;
BEGIN
  FOR schema IN SELECT nspname FROM pg_namespace
      WHERE nspname ~ format('^pg_treeline_(seen|over|hid)_%s(_|$)', coalesce(slot::text, '[1-9][0-9]*')) LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', schema);
  END LOOP;
END $$;

-- Those that an earlier version has made.
DO $$
BEGIN
  PERFORM pg_treeline.shadow_drop(), pg_treeline.shadow_drop(0);
END $$;

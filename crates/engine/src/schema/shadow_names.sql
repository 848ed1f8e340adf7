-- The shadow of a transaction: where its statements run when they may not touch the tables, because
-- another transaction has changed the rows or is about to. A *slot* has, for each table, a view in
-- the table's place over the rows of the table that the transaction has not changed and an overlay
-- of those that it has. One transaction uses a slot at a time, and nothing in it is ever committed.
--
-- In the slot's hidden schema, by OID of the table: h (rows of the table that are hidden, each with
-- its successor in the overlay), e (changes that foreign keys have not seen yet), and functions.
--
-- What a client put into a table's definition (CHECK, generated columns, expressions of indexes,
-- domains) runs in its slot with the rights of the table's owner, as PostgreSQL's own maintenance
-- does it, never with the superuser's: functions that write rows, or plan queries over
-- such tables, are the owner's.

-- What the gateway shows to be the gateway.
CREATE TABLE IF NOT EXISTS pg_treeline.shadow_secret (key text NOT NULL);
INSERT INTO pg_treeline.shadow_secret
  SELECT gen_random_uuid()::text || gen_random_uuid()
   WHERE NOT EXISTS (SELECT FROM pg_treeline.shadow_secret);

CREATE OR REPLACE FUNCTION pg_treeline.shadow_key() RETURNS text
LANGUAGE sql STABLE
RETURN (SELECT s.key FROM pg_treeline.shadow_secret s);

-- 42501 unless it is the gateway that calls.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_require(key text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF key IS DISTINCT FROM pg_treeline.shadow_key() THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'permission denied for system entity';
  END IF;
END $$;

-- A schema of a slot: `seen` has the views, `over` the overlays, each once for every schema of
-- clients; `hid` has the rest. Longer names are cut as PostgreSQL cuts them.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_schema(kind text, slot int, base text DEFAULT NULL)
RETURNS name LANGUAGE sql IMMUTABLE
RETURN concat_ws('_', 'pg_treeline', kind, slot, base)::name;

CREATE OR REPLACE FUNCTION pg_treeline.shadow_object(relation oid, slot int, letter text)
RETURNS text LANGUAGE sql IMMUTABLE
RETURN format('pg_treeline_hid_%s.%s%s', slot, letter, relation);

-- The qualified names of a shadow.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_names(relation oid, slot int, OUT schema text,
  OUT name text, OUT owner name, OUT base text, OUT seen text, OUT over text, OUT hid text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner) INTO schema, name, owner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
  base := format('%I.%I', schema, name);
  seen := format('%I.%I', pg_treeline.shadow_schema('seen', slot, schema), name);
  over := format('%I.%I', pg_treeline.shadow_schema('over', slot, schema), name);
  hid := pg_treeline.shadow_object(relation, slot, 'h');
END $$;

-- Quoted always: plpgsql takes some names for its own words.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_quote(name name) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN '"' || replace(name::text, '"', '""') || '"';

-- The columns of a table through a template, in which %1$s is the name.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_columns(relation oid, template text,
  separator text DEFAULT ', ', numbers int2[] DEFAULT NULL)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT string_agg(format(template, pg_treeline.shadow_quote(a.attname)), separator
             ORDER BY array_position(numbers, a.attnum), a.attnum)
      FROM pg_attribute a
     WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
       AND (a.attnum = ANY (numbers) OR numbers IS NULL));
END $$;

-- The columns that can be given values.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_given(relation oid) RETURNS int2[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT coalesce(array_agg(a.attnum ORDER BY a.attnum), '{}') FROM pg_attribute a
     WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '');
END $$;

-- Whether nothing in the table's definition is a client's to run.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_plain(relation oid) RETURNS bool
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = relation AND c.contype = 'c')
       AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation
             AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL))
       AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0
             AND NOT a.attisdropped AND (a.attgenerated <> '' OR a.atttypid >= 16384)));
END $$;

-- Which relations names stand for along the caller's path. A name that stands for the view of a
-- slot is its table's. PostgreSQL's functions rather than its catalog: a view that was made
-- after the transaction's snapshot is not in the latter yet.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_resolve(slot int, names text[])
RETURNS TABLE (at int, relation oid, schema text, name text, kind "char", made bool)
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT f.at, b.oid, p.names[1], p.names[2], c.relkind,
         slot IS NOT NULL AND to_regclass(format('%I.%I',
           pg_treeline.shadow_schema('seen', slot, p.names[1]), p.names[2])) IS NOT NULL
    FROM (SELECT n.at::int, (pg_identify_object_as_address('pg_class'::regclass,
                   to_regclass(n.name), 0)).object_names
            FROM unnest(names) WITH ORDINALITY n(name, at)
           WHERE to_regclass(n.name) IS NOT NULL) f(at, names),
         LATERAL (SELECT ARRAY[regexp_replace(f.names[1], '^pg_treeline_seen_[0-9]+_', ''),
                               f.names[2]]) p(names),
         LATERAL (SELECT to_regclass(format('%I.%I', p.names[1], p.names[2]))::oid) b(oid)
         JOIN pg_class c ON c.oid = b.oid;
END;
GRANT EXECUTE ON FUNCTION pg_treeline.shadow_resolve(int, text[]),
  pg_treeline.shadow_schema(text, int, text) TO PUBLIC;

-- The next value of an identity column, for which a client needs no right but to insert.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_nextval(sequence regclass) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
        AND d.objid = sequence AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
        AND has_any_column_privilege(session_user, d.refobjid, 'INSERT')) THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE =
      format('permission denied for sequence %s', (SELECT relname FROM pg_class WHERE oid = sequence));
  END IF;
  RETURN nextval(sequence);
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.shadow_nextval(regclass) TO PUBLIC;

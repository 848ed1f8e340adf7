-- What the gateway calls in a client's session, each with the gateway's key: clients may execute
-- these, and only these, of the shadow's functions.

-- The path with a slot's views right before each of its schemas.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_path(slot int, path text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT string_agg(quote_ident(pg_treeline.shadow_schema('seen', slot,
             CASE e.name WHEN '$user' THEN session_user ELSE e.name END)) || ', ' || e.item, ', ' ORDER BY e.n)
      FROM (SELECT m.item[1], m.n, CASE WHEN m.item[1] LIKE '"%'
                     THEN replace(substr(m.item[1], 2, length(m.item[1]) - 2), '""', '"')
                     ELSE lower(m.item[1]) END
              FROM regexp_matches(path, '"(?:[^"]|"")*"|[^\s,"]+', 'g') WITH ORDINALITY m(item, n)) e(item, n, name));
END $$;

-- What the transaction has changed so far goes into the slot's tables.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_load(key text, slot int, relations oid[], olds tid[],
  images text[], rows int, bytes int8) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD'
SET intervalstyle = postgres AS $$
DECLARE
  r record;
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  PERFORM pg_treeline.shadow_mute(), pg_treeline.set_config('pg_treeline.slot', slot::text, true);
  FOR r IN SELECT u.relation, array_agg(u.old) AS olds, array_agg(u.image) AS images
             FROM unnest(relations, olds, images) u(relation, old, image) GROUP BY 1 LOOP
    EXECUTE format('SELECT pg_treeline_hid_%s.l%s($1, $2)', slot, r.relation) USING r.olds, r.images;
  END LOOP;
  PERFORM pg_treeline.shadow_unmute(rows * 1099511627776 + bytes);
END $$;

-- From here on the transaction sees the slot. Of this form, and not plpgsql, because a SET clause
-- would undo the path at the end.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_enter(key text, slot int, relations oid[], olds tid[],
  images text[], rows int, bytes int8) RETURNS void
LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
  SELECT pg_treeline.shadow_load(key, slot, relations, olds, images, rows, bytes);
  SELECT pg_treeline.set_config('search_path',
    coalesce(pg_treeline.shadow_path(slot, pg_treeline.current_setting('search_path')), ''), true)::text
   WHERE pg_treeline.current_setting('search_path') NOT LIKE '%pg\_treeline%';
END;

-- ON CONFLICT names the overlay, whose unique indexes do not know the table. So its INSERT is run
-- twice: first, with `on`, only to bring rows that it clashes with into the overlay, then in
-- earnest; rows that it has left alone go back after that. While it is on, the count is kept here.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_hydrate(key text, begins bool) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  IF begins THEN
    PERFORM pg_treeline.set_config('pg_treeline.hydrate', pg_treeline.shadow_mute()::text, true);
  ELSE
    PERFORM pg_treeline.set_config('pg_treeline.work',
              pg_treeline.current_setting('pg_treeline.hydrate'), true),
            pg_treeline.set_config('pg_treeline.hydrate', '', true);
  END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.shadow_unhydrate(key text, slot int, relation oid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  work int8;
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  work := pg_treeline.shadow_mute();
  PERFORM pg_treeline.shadow_step(relation, slot, 'release');
  PERFORM pg_treeline.set_config('pg_treeline.work', work::text, true);
END $$;

-- The two halves of lock_again that are not the client's to do.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_quiet(key text) RETURNS int8
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  RETURN pg_treeline.shadow_mute();
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.shadow_loud(key text, work int8) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  PERFORM pg_treeline.set_config('pg_treeline.work', work::text, true);
END $$;

-- A column by which the one who is logged in may update a table.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_handle(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format('%I', a.attname) FROM pg_attribute a
     WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND a.attidentity <> 'a' AND has_column_privilege(session_user, a.attrelid, a.attnum, 'UPDATE')
     ORDER BY a.attnum LIMIT 1);
END $$;

DROP FUNCTION IF EXISTS pg_treeline.lock_again(text, oid[], tid[], bool);
-- Rows that SELECT … FOR UPDATE (or FOR KEY SHARE) has found are locked once more, the former, if
-- they are to be `changed`, by a change of nothing, which a transaction with an older snapshot
-- stumbles over. With the client's own rights: it is the client's statement, and an UPDATE runs what
-- is in the table's definition.
CREATE OR REPLACE FUNCTION pg_treeline.lock_again(key text, relations oid[], rows tid[], for_update bool,
  changed bool) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  work pg_catalog.int8 := pg_treeline.shadow_quiet(key);
  r record;
  handle pg_catalog.text;
BEGIN
  FOR r IN SELECT u.relation, u.relation::pg_catalog.regclass::pg_catalog.text AS name,
                  pg_catalog.array_agg(u.at) AS tids
             FROM ROWS FROM (pg_catalog.unnest(relations), pg_catalog.unnest(rows)) u(relation, at) GROUP BY 1 LOOP
    EXECUTE pg_catalog.format('SELECT FROM %s WHERE ctid = ANY ($1) FOR %s', r.name,
      CASE WHEN for_update THEN 'UPDATE' ELSE 'KEY SHARE' END) USING r.tids;
    handle := pg_treeline.shadow_handle(r.relation);
    IF changed AND handle IS NOT NULL THEN
      EXECUTE pg_catalog.format('UPDATE %s SET %s = %2$s WHERE ctid = ANY ($1)', r.name, handle) USING r.tids;
    END IF;
  END LOOP;
  PERFORM pg_treeline.shadow_loud(key, work);
END $$;

GRANT EXECUTE ON FUNCTION
  pg_treeline.shadow_enter(text, int, oid[], tid[], text[], int, int8),
  pg_treeline.shadow_apply(text, int, oid[]),
  pg_treeline.shadow_hydrate(text, bool), pg_treeline.shadow_unhydrate(text, int, oid),
  pg_treeline.shadow_quiet(text), pg_treeline.shadow_loud(text, int8), pg_treeline.shadow_handle(oid),
  pg_treeline.lock_again(text, oid[], tid[], bool, bool) TO PUBLIC;

-- COMMIT from notes alone, of a transaction that was displaced and has said nothing since. The
-- statement is run with the client's own rights, because it runs what is in the tables' definitions.

-- The changed rows of a table among notes, which are the parameters of the statement.
CREATE OR REPLACE FUNCTION pg_treeline.images_changes(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format($f$SELECT tl_u.old AS base, tl_u.tl_o,
          CASE WHEN tl_u.gone THEN 'd' WHEN tl_u.old IS NULL THEN 'i' %1$s ELSE 'u' END AS op
        FROM (SELECT u.old, u.image IS NULL AS gone,
                     pg_catalog.convert_from(pg_catalog.decode(u.image, 'hex'), 'UTF8')::%2$s AS tl_o
                FROM unnest($1, $2, $3) u(relation, old, image)
               WHERE u.relation = %3$s OFFSET 0) tl_u %4$s$f$,
        'WHEN ' || moved || ' THEN ''m''', relation::regclass, relation,
        CASE WHEN moved IS NULL THEN ''
          ELSE format('LEFT JOIN %s tl_b ON tl_b.ctid = tl_u.old', relation::regclass) END)
      FROM pg_treeline.shadow_moved(relation, 'tl_b', 'tl_u.tl_o') moved);
END $$;

-- Finds rows that were deleted and inserted again among the notes, by their numbers.
CREATE OR REPLACE FUNCTION pg_treeline.images_pairs(relation oid, key oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN format($f$
    SELECT tl_d.n AS gone, tl_i.n AS new
      FROM unnest($1, $2, $3) WITH ORDINALITY tl_d(relation, old, image, n)
      JOIN %1$s tl_b ON tl_b.ctid = tl_d.old,
           (SELECT u.n, pg_catalog.convert_from(pg_catalog.decode(u.image, 'hex'), 'UTF8')::%1$s AS tl_o
              FROM unnest($1, $2, $3) WITH ORDINALITY u(relation, old, image, n)
             WHERE u.relation = %2$s AND u.old IS NULL OFFSET 0) tl_i
     WHERE tl_d.relation = %2$s AND tl_d.image IS NULL AND %3$s$f$, relation::regclass, relation,
    pg_treeline.shadow_same_key(key, '(tl_i.tl_o)', 'tl_b'));
END $$;

-- What the client is to run; from here on nothing is counted. TL002 when the client may not: an
-- owner's function does it in a slot.
CREATE OR REPLACE FUNCTION pg_treeline.images_plan(key text, relations oid[], olds tid[], images text[],
  OUT pairs text[], OUT sql text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed oid[] := ARRAY(SELECT DISTINCT r FROM unnest(relations) r ORDER BY r);
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  IF EXISTS (SELECT FROM unnest(changed) r, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) action
              WHERE NOT has_table_privilege(session_user, r, action)) THEN
    RAISE EXCEPTION USING ERRCODE = 'TL002', MESSAGE = 'a slot is needed';
  END IF;
  PERFORM pg_treeline.shadow_mute();
  pairs := '{}';
  IF array_position(images, NULL) > 0 AND array_position(olds, NULL) > 0 THEN
    pairs := ARRAY(
      SELECT pg_treeline.images_pairs(u.relation, i.indexrelid)
        FROM unnest(relations, olds, images) u(relation, old, image)
        JOIN pg_index i ON i.indrelid = u.relation AND i.indisprimary
       GROUP BY u.relation, i.indexrelid HAVING bool_or(u.image IS NULL) AND bool_or(u.old IS NULL));
  END IF;
  IF changed <> '{}' THEN
    sql := pg_treeline.shadow_statement(changed, ARRAY(
      SELECT pg_treeline.images_changes(r) FROM unnest(changed) r ORDER BY r));
  END IF;
END $$;

-- After it: counts again.
CREATE OR REPLACE FUNCTION pg_treeline.images_done(key text, missing int8, work int8) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  PERFORM pg_treeline.shadow_found(missing);
  PERFORM pg_treeline.shadow_unmute(work);
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.images_apply(key text, relations oid[], olds tid[], images text[],
  bytes int8 DEFAULT 0) RETURNS void
LANGUAGE plpgsql SET datestyle = 'ISO, YMD' SET intervalstyle = postgres
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  plan record := pg_treeline.images_plan(key, relations, olds, images);
  pairing pg_catalog.text;
  pair record;
  missing pg_catalog.int8 := 0;
BEGIN
  FOREACH pairing IN ARRAY plan.pairs LOOP
    FOR pair IN EXECUTE pairing USING relations, olds, images LOOP
      olds[pair.new] := olds[pair.gone];
      relations[pair.gone] := 0;
      -- as the row is for others that is deleted
      EXECUTE pg_catalog.format('SELECT FROM %s WHERE ctid = $1 FOR UPDATE', relations[pair.new]::pg_catalog.regclass)
        USING olds[pair.new];
    END LOOP;
  END LOOP;
  IF plan.sql IS NOT NULL THEN
    EXECUTE plan.sql INTO missing USING relations, olds, images;
  END IF;
  PERFORM pg_treeline.images_done(key, missing,
    pg_catalog.cardinality(images) * 1099511627776 + bytes);
END $$;

GRANT EXECUTE ON FUNCTION pg_treeline.images_plan(text, oid[], tid[], text[]),
  pg_treeline.images_done(text, int8, int8),
  pg_treeline.images_apply(text, oid[], tid[], text[], int8) TO PUBLIC;

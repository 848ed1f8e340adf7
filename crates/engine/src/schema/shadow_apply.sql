-- COMMIT of a transaction that is in the shadow or was displaced: its net effect on the tables. All
-- tables in one statement, so that foreign keys are looked at when all of it is there, and rows by
-- where the snapshot has them: whatever another transaction has changed meanwhile fails as PostgreSQL
-- has it fail.

-- Whether keys of unique indexes differ between two rows. Such rows are deleted and inserted, all
-- deletions first, so that keys can go from one row to another, unless a foreign key would follow
-- the deletion. NULL when there is nothing to ask.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_moved(relation oid, one text, other text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- with %s for the row; what is not a column is an expression of the row
  parts text[];
BEGIN
  IF EXISTS (SELECT FROM pg_constraint c
              WHERE c.contype = 'f' AND c.confrelid = relation AND c.confdeltype <> 'a') THEN
    RETURN NULL;
  END IF;
  SELECT array_agg(DISTINCT coalesce('(%s).' || replace(pg_treeline.shadow_quote(a.attname), '%', '%%'),
           format('(SELECT %s FROM (SELECT (%%s).*) tl_q)', replace(k.expression, '%', '%%')))) INTO parts
    FROM pg_index i, LATERAL (
      SELECT i.indkey[p - 1], CASE WHEN i.indkey[p - 1] = 0 THEN pg_get_indexdef(i.indexrelid, p, true) END
        FROM generate_series(1, i.indnkeyatts) p
      UNION ALL SELECT NULL, pg_get_expr(i.indpred, relation) WHERE i.indpred IS NOT NULL) k(number, expression)
    LEFT JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = k.number AND k.number > 0
   WHERE i.indrelid = relation AND i.indisunique;
  -- what an UPDATE may not set
  parts := parts || ARRAY(
    SELECT '(%s).' || replace(pg_treeline.shadow_quote(a.attname), '%', '%%') FROM pg_attribute a
     WHERE a.attrelid = relation AND a.attnum > 0 AND a.attidentity = 'a');
  RETURN (SELECT format('ROW(%s) IS DISTINCT FROM ROW(%s)', string_agg(format(p, one), ', '),
            string_agg(format(p, other), ', ')) FROM unnest(parts) p HAVING count(*) > 0);
END $$;

-- The statement. `changes`, for each relation, gives its changed rows: base, where it is in the
-- table (NULL: nowhere yet); tl_o, as it shall be; op: d, u, i, or m for moved. It answers 0
-- when all rows were found.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_statement(relations oid[], changes text[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format('WITH %s SELECT %s + %s - (%s), %s', string_agg(ctes, ', '), string_agg(gone, ' + '),
             string_agg(put, ' + '), string_agg(want, ' + '), string_agg(new, ' + '))
      FROM (
        SELECT format($f$x%1$s AS MATERIALIZED (%2$s),
          d%1$s AS (DELETE FROM %3$s tl_b USING x%1$s x WHERE tl_b.ctid = x.base AND x.op IN ('d', 'm') RETURNING 1),
          u%1$s AS (UPDATE %3$s tl_b SET %4$s FROM x%1$s x WHERE tl_b.ctid = x.base AND x.op = 'u' RETURNING 1),
          i%1$s AS (INSERT INTO %3$s AS tl_t (%5$s) OVERRIDING SYSTEM VALUE
            SELECT %6$s FROM x%1$s x WHERE x.op IN ('i', 'm') RETURNING 1)$f$,
            k, changes[k], relations[k]::regclass, c.updates, c.names, c.values),
          format('(SELECT pg_catalog.count(*) FROM d%s)', k), format('(SELECT pg_catalog.count(*) FROM u%s)', k),
          format('(SELECT pg_catalog.count(*) FROM x%s WHERE op <> ''i'')', k),
          format('(SELECT pg_catalog.count(*) FROM i%s)', k)
          FROM generate_subscripts(relations, 1) k, LATERAL (
            SELECT string_agg(format('%1$s = (x.tl_o).%1$s', q), ', ') FILTER (WHERE a.attidentity <> 'a'),
                   string_agg(q, ', ' ORDER BY a.attnum), string_agg('(x.tl_o).' || q, ', ' ORDER BY a.attnum)
              FROM pg_attribute a, pg_treeline.shadow_quote(a.attname) q
             WHERE a.attrelid = relations[k] AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attgenerated = '') c(updates, names, values)
         ORDER BY k) p(ctes, gone, put, want, new));
END $$;

-- The changed rows of a slot's shadow.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_changes(relation oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format($f$SELECT tl_h.base, tl_o, CASE WHEN tl_h.over IS NULL THEN 'd' %1$s ELSE 'u' END AS op
        FROM %2$s tl_h LEFT JOIN %3$s tl_o ON tl_o.ctid = tl_h.over %4$s
      UNION ALL SELECT NULL, tl_o, 'i' FROM %3$s tl_o
       WHERE NOT EXISTS (SELECT FROM %2$s tl_h WHERE tl_h.over = tl_o.ctid)$f$,
        'WHEN ' || moved || ' THEN ''m''', n.hid, n.over,
        CASE WHEN moved IS NOT NULL THEN format('LEFT JOIN %s tl_b ON tl_b.ctid = tl_h.base', n.base) ELSE '' END)
      FROM pg_treeline.shadow_names(relation, slot) n, pg_treeline.shadow_moved(relation, 'tl_b', 'tl_o') moved);
END $$;

-- The steps that are the owner's, by name; or else a statement for several of the owner's tables.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_steps(relation oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format($f$
  #variable_conflict use_column
  DECLARE
    tl_n pg_catalog.int8 := 0;
  BEGIN
    CASE $1
      WHEN 'any' THEN
        IF EXISTS (SELECT FROM %1$s) OR EXISTS (SELECT FROM %2$s) THEN
          RETURN 1;
        END IF;
      WHEN 'pair' THEN%3$s
      WHEN 'apply' THEN
        %4$s INTO tl_n;
      WHEN 'clear' THEN
        DELETE FROM %2$s tl_t;
        DELETE FROM %1$s tl_t;
      WHEN 'release' THEN
        WITH r AS (DELETE FROM %1$s WHERE was = 'h' RETURNING over)
          DELETE FROM %2$s tl_o USING r WHERE tl_o.ctid = r.over;
      ELSE EXECUTE $1 INTO tl_n;
    END CASE;
    RETURN tl_n;
  END$f$, n.hid, n.over,
        -- a row that was deleted and inserted again is an update, or children would follow the deletion
        (SELECT format($f$
        IF EXISTS (SELECT FROM %1$s WHERE over IS NULL) THEN
          UPDATE %1$s tl_h SET over = tl_o.ctid FROM %2$s tl_b, %3$s tl_o
           WHERE tl_h.over IS NULL AND tl_b.ctid = tl_h.base AND %4$s
             AND NOT EXISTS (SELECT FROM %1$s tl_p WHERE tl_p.over = tl_o.ctid);
          -- and yet for others it was deleted: nobody may have locked its key
          PERFORM FROM %2$s tl_b JOIN %1$s tl_h ON tl_b.ctid = tl_h.base
            WHERE tl_h.was = 'd' AND tl_h.over IS NOT NULL FOR UPDATE OF tl_b;
        END IF;$f$, n.hid, n.base, n.over, pg_treeline.shadow_same_key(i.indexrelid, 'tl_o', 'tl_b'))
           FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary),
        pg_treeline.shadow_statement(ARRAY[relation], ARRAY[pg_treeline.shadow_changes(relation, slot)]))
      FROM pg_treeline.shadow_names(relation, slot) n);
END $$;

-- One step of one table.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_step(relation oid, slot int, step text) RETURNS int8
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer int8;
BEGIN
  EXECUTE format('SELECT pg_treeline_hid_%s.a%s($1)', slot, relation) INTO answer USING step;
  RETURN answer;
END $$;

-- While the machinery writes, changes are neither counted nor noted: the count is below zero then.
-- Answers the count until then.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_mute() RETURNS int8
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  work int8 := pg_treeline.transaction_work();
BEGIN
  PERFORM pg_treeline.set_config('pg_treeline.work', '-1', true);
  RETURN work;
END $$;

-- Counts again, from here on.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_unmute(work int8) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_treeline.set_config('pg_treeline.work', work::text, true);
  IF (work & 1099511627775) > 10485760 THEN
    INSERT INTO pg_treeline.oversize
      SELECT pg_current_xact_id() WHERE NOT EXISTS (SELECT FROM pg_treeline.oversize);
  END IF;
END $$;

-- 40001 when rows were not found where the snapshot has them.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_found(missing int8) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF missing <> 0 THEN
    RAISE EXCEPTION USING ERRCODE = '40001',
      MESSAGE = 'could not serialize access due to concurrent update';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.shadow_apply(key text, slot int, relations oid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- rows are found by their places
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
  changed oid[];
  work int8;
  sql text := 'apply';
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  work := pg_treeline.shadow_mute();
  changed := ARRAY(SELECT DISTINCT r FROM unnest(relations) r
    WHERE CASE WHEN to_regclass(pg_treeline.shadow_object(r, slot, 'h')) IS NOT NULL
            THEN pg_treeline.shadow_step(r, slot, 'any') = 1 END ORDER BY r);
  PERFORM pg_treeline.shadow_step(r, slot, 'pair') FROM unnest(changed) r;
  IF array_length(changed, 1) > 1 THEN
    sql := pg_treeline.shadow_statement(changed, ARRAY(
      SELECT pg_treeline.shadow_changes(r, slot) FROM unnest(changed) r ORDER BY r));
    -- Tables of several owners: nobody may write to all of them.
    PERFORM pg_treeline.shadow_found(count(DISTINCT relowner) - 1) FROM pg_class WHERE oid = ANY (changed);
  END IF;
  IF changed <> '{}' THEN
    PERFORM pg_treeline.shadow_found(pg_treeline.shadow_step(changed[1], slot, sql));
  END IF;
  PERFORM pg_treeline.shadow_step(r, slot, 'clear') FROM unnest(changed) r;
  PERFORM pg_treeline.shadow_unmute(work);
END $$;

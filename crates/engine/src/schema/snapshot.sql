-- PostgreSQL lets a transaction write a key that its own snapshot shows, if another transaction has
-- deleted that row since. Whether one of these rows, which the transaction has written, is shown
-- beside another with the same key. With the client's own rights: to plan a query over a client's
-- table may run code of the client's.
CREATE OR REPLACE FUNCTION pg_treeline.shown_twice(relations oid[], places tid[]) RETURNS bool
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off AS $$
DECLARE
  key record;
  twice bool;
BEGIN
  FOR key IN
    SELECT i.indrelid::regclass AS base, i.indrelid,
           string_agg(format('a.%1$I = b.%1$I', t.attname), ' AND ') AS same
      FROM pg_index i
           CROSS JOIN LATERAL unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) k(number)
           JOIN pg_attribute t ON t.attrelid = i.indrelid AND t.attnum = k.number
     WHERE i.indrelid = ANY (relations) AND i.indisunique AND i.indpred IS NULL
       AND i.indexprs IS NULL AND has_table_privilege(i.indrelid, 'SELECT')
     GROUP BY i.indexrelid, i.indrelid
  LOOP
    -- no join: from PostgreSQL 18 on, one of a table with itself by a unique key is taken for a scan
    EXECUTE format('SELECT EXISTS (SELECT FROM %1$s a WHERE a.ctid = ANY ($1)
                     AND (SELECT count(*) FROM %1$s b WHERE %2$s) > 1)', key.base, key.same)
      INTO twice
      USING ARRAY(SELECT w.place FROM unnest(relations, places) w(relation, place)
                   WHERE w.relation = key.indrelid);
    IF twice THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END $$;
GRANT EXECUTE ON FUNCTION pg_treeline.shown_twice(oid[], tid[]) TO PUBLIC;

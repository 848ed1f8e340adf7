-- What the gateway asks about rows that were locked weakly, before it commits a transaction: see
-- keys_make.sql. Texts are made and read with the same settings everywhere.

CREATE OR REPLACE FUNCTION pg_treeline.keys_read(hex text) RETURNS jsonb
LANGUAGE sql IMMUTABLE
RETURN convert_from(decode(hex, 'hex'), 'UTF8')::jsonb;

-- The references to these rows that are there now, and that a transaction with the snapshot `since`
-- may not see; NULL if there are none. Run by the gateway itself.
CREATE OR REPLACE FUNCTION pg_treeline.references_since(since text, keys text[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD' SET timezone = 'UTC' SET extra_float_digits = 1
-- an index on the referring columns, where there is one
SET enable_seqscan = off AS $$
DECLARE
  oldest xid := pg_snapshot_xmin(since::pg_snapshot)::xid;
  answer jsonb := '[]';
  found jsonb;
  r record;
BEGIN
  FOR r IN SELECT c.oid, k.identities
             FROM (SELECT v ->> 'r', jsonb_agg(v) FROM unnest(keys) u, pg_treeline.keys_read(u) v
                    GROUP BY 1) k(relation, identities)
             JOIN pg_constraint c ON c.contype = 'f' AND c.confrelid = k.relation::oid LOOP
    EXECUTE format('SELECT pg_treeline_hid_0.f%s($1, $2)', r.oid) INTO found USING oldest, r.identities;
    answer := answer || coalesce(found, '[]');
  END LOOP;
  RETURN CASE WHEN answer <> '[]' THEN encode(convert_to(answer::text, 'UTF8'), 'hex') END;
END $$;

-- Whether one of them is not in the snapshot of the transaction, as which the rest is run too: a row
-- with this key that refers to the same row. If only others of its columns have changed since, it
-- is no new reference.
CREATE OR REPLACE FUNCTION pg_treeline.references_unseen(key text, refs text) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD' SET timezone = 'UTC' SET extra_float_digits = 1
SET enable_seqscan = off AS $$
DECLARE
  unseen bool;
  r record;
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  FOR r IN SELECT v ->> 'f' AS id, jsonb_agg(v) AS refs
             FROM jsonb_array_elements(pg_treeline.keys_read(refs)) v GROUP BY 1 LOOP
    EXECUTE format('SELECT pg_treeline_hid_0.u%s($1)', r.id::oid) INTO unseen USING r.refs;
    IF unseen THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END $$;

-- The identities of rows, in order; NULL for one that the snapshot does not show.
CREATE OR REPLACE FUNCTION pg_treeline.row_keys(key text, relations oid[], places tid[]) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD' SET timezone = 'UTC' SET extra_float_digits = 1
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
  answer text[] := array_fill(NULL::text, ARRAY[cardinality(places)]);
  found text[];
  r record;
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  FOR r IN SELECT u.relation, array_agg(u.place ORDER BY u.n) AS places, array_agg(u.n ORDER BY u.n) AS numbers
             FROM unnest(relations, places) WITH ORDINALITY u(relation, place, n) GROUP BY 1 LOOP
    EXECUTE format('SELECT pg_treeline_hid_0.k%s($1)', r.relation) INTO found USING r.places;
    FOR i IN 1..cardinality(found) LOOP
      answer[r.numbers[i]] := found[i];
    END LOOP;
  END LOOP;
  RETURN QUERY SELECT u.text FROM unnest(answer) WITH ORDINALITY u(text, n) ORDER BY u.n;
END $$;

-- The rows that are deleted or get other keys by changes that were noted, as images_apply has them.
CREATE OR REPLACE FUNCTION pg_treeline.strong_rows(key text, relations oid[], olds tid[], images text[])
RETURNS TABLE (relation oid, place tid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD' SET timezone = 'UTC' SET extra_float_digits = 1 SET intervalstyle = postgres
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
  found tid[];
  r record;
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  FOR r IN SELECT u.relation AS id, array_agg(u.old) AS olds, array_agg(u.image) AS images
             FROM unnest(relations, olds, images) u(relation, old, image) GROUP BY 1
           HAVING count(u.old) > 0 LOOP
    EXECUTE format('SELECT pg_treeline_hid_0.s%s($1, $2)', r.id) INTO found USING r.olds, r.images;
    RETURN QUERY SELECT r.id, u FROM unnest(found) u;
  END LOOP;
END $$;

-- The same of a slot's changes, before they are applied.
CREATE OR REPLACE FUNCTION pg_treeline.strong_rows(key text, slot int, relations oid[])
RETURNS TABLE (relation oid, place tid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD' SET timezone = 'UTC' SET extra_float_digits = 1
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
  found tid[];
  id oid;
BEGIN
  PERFORM pg_treeline.shadow_require(key);
  FOR id IN SELECT DISTINCT r FROM unnest(relations) r
             WHERE to_regclass(pg_treeline.shadow_object(r, slot, 'h')) IS NOT NULL LOOP
    EXECUTE format('SELECT pg_treeline_hid_0.x%s($1)', id) INTO found
      USING pg_treeline.keys_shadowed(id, slot);
    RETURN QUERY SELECT id, u FROM unnest(found) u;
  END LOOP;
END $$;

-- What identifies the rows that the first one finds. Run by the gateway itself, to whom rows are as
-- they were before a transaction has changed them that is open.
CREATE OR REPLACE FUNCTION pg_treeline.strong_keys(relations oid[], olds tid[], images text[])
RETURNS TABLE (relation oid, row_key text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  key text := pg_treeline.shadow_key();
  found oid[];
  places tid[];
BEGIN
  SELECT array_agg(s.relation), array_agg(s.place) INTO found, places
    FROM pg_treeline.strong_rows(key, relations, olds, images) s;
  RETURN QUERY SELECT u.r, u.k
    FROM ROWS FROM (unnest(found), pg_treeline.row_keys(key, found, places)) u(r, k) WHERE found <> '{}';
END $$;

GRANT EXECUTE ON FUNCTION
  pg_treeline.references_unseen(text, text), pg_treeline.row_keys(text, oid[], tid[]),
  pg_treeline.strong_rows(text, oid[], tid[], text[]), pg_treeline.strong_rows(text, int, oid[]) TO PUBLIC;

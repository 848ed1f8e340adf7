-- Rows that a committed transaction had locked weakly: FOR KEY SHARE, or by a row that refers to
-- them. PostgreSQL forgets such locks at COMMIT; whoever deletes the row, changes its keys or locks
-- it FOR UPDATE under an older snapshot must fail all the same. These are the functions that look:
-- one set for a table or a foreign key, in the hidden schema of slot 0, which no transaction has.
--
-- By OID of the table: k (identities of rows), s and x (changes of keys, among notes and in a slot).
-- By OID of the foreign key, owned by the owner of the table that refers: f (finds references) and
-- u (whether the snapshot lacks one).

-- The columns of unique indexes that are neither partial nor on expressions.
CREATE OR REPLACE FUNCTION pg_treeline.keys_unique(relation oid) RETURNS int2[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT k FROM pg_index i, unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) k
     WHERE i.indrelid = relation AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
       AND i.indexprs IS NULL ORDER BY k);
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.keys_primary(relation oid) RETURNS int2[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT (i.indkey::int2[])[0:i.indnkeyatts - 1] FROM pg_index i
     WHERE i.indrelid = relation AND i.indisprimary);
END $$;

-- Whether foreign keys refer to the table; whether one of them does not cover all the unique
-- columns: its own check does not see them change; and the unique columns, unless a foreign key of
-- the table changes columns of its own accord.
CREATE OR REPLACE FUNCTION pg_treeline.keys_of(relation oid, OUT referenced bool, OUT several bool,
  OUT columns text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT count(c.oid) > 0, NOT coalesce(bool_and(c.confkey @> u), u = '{}'),
         CASE WHEN NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = relation
             AND (f.confupdtype IN ('c', 'n', 'd') OR f.confdeltype IN ('n', 'd')))
           THEN ARRAY(SELECT a.attname::text FROM pg_attribute a
                       WHERE a.attrelid = relation AND a.attnum = ANY (u) ORDER BY 1) END
    INTO referenced, several, columns
    FROM pg_treeline.keys_unique(relation) u
    LEFT JOIN pg_constraint c ON c.contype = 'f' AND c.confrelid = relation GROUP BY u;
END $$;

-- Values of a row as text, which is the same in all sessions with the settings of those who call
-- the functions.
CREATE OR REPLACE FUNCTION pg_treeline.keys_text(relation oid, tl_row text, numbers int2[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format('ARRAY[%s]::pg_catalog.text[]', string_agg(
             pg_treeline.shadow_columns(relation, tl_row || '.%1$s::pg_catalog.text', '', ARRAY[numbers[p]]),
             ', ' ORDER BY p))
      FROM generate_subscripts(numbers, 1) p);
END $$;

-- Rows of the table tl_c that have such a text: the `at`-th of `source`, as a value of the type (the
-- one below a domain) of a column of `relation`.
CREATE OR REPLACE FUNCTION pg_treeline.keys_equal(tl_column text, source text, at text, relation oid, number int2)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format('tl_c.%s = (%s ->> %s)::pg_catalog.%I', tl_column, source, at, t.typname)
      FROM pg_attribute a JOIN pg_type t ON t.oid = pg_treeline.base_type(a.atttypid)
     WHERE a.attrelid = relation AND a.attnum = number);
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.keys_all_equal(relation oid, numbers int2[], source text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT string_agg(pg_treeline.keys_equal(pg_treeline.shadow_columns(relation, '%1$s', '', ARRAY[numbers[p]]),
             source, (p - array_lower(numbers, 1))::text, relation, numbers[p]), ' AND ' ORDER BY p)
      FROM generate_subscripts(numbers, 1) p);
END $$;

-- By what a row is known in all versions: members of an object of JSON.
CREATE OR REPLACE FUNCTION pg_treeline.keys_identity(relation oid, tl_row text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  columns int2[] := pg_treeline.keys_primary(relation);
BEGIN
  IF columns IS NULL THEN
    RETURN format('''c'', %s.ctid', tl_row);
  END IF;
  RETURN '''k'', ' || pg_treeline.keys_text(relation, tl_row, columns);
END $$;

-- The identities of rows by their places: (pg_catalog.tid[]). In hexadecimal, since texts change on
-- their way with the client's encoding.
CREATE OR REPLACE FUNCTION pg_treeline.keys_rows(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  referenced int2[] := ARRAY(SELECT DISTINCT k FROM pg_constraint c, unnest(c.confkey) k
    WHERE c.contype = 'f' AND c.confrelid = relation ORDER BY k);
BEGIN
  RETURN format($f$
  BEGIN
    RETURN (
      SELECT pg_catalog.array_agg(CASE WHEN tl_b.ctid IS NOT NULL THEN
               pg_catalog.encode(pg_catalog.convert_to(pg_catalog.jsonb_build_object('r', %1$L, %2$s, 'f',
                 pg_catalog.jsonb_object(%3$L::pg_catalog.text[], %4$s))::pg_catalog.text, 'UTF8'), 'hex') END
               ORDER BY u.n)
        FROM pg_catalog.unnest($1) WITH ORDINALITY u(place, n) LEFT JOIN %5$s tl_b ON tl_b.ctid = u.place);
  END$f$, relation, pg_treeline.keys_identity(relation, 'tl_b'), referenced,
    pg_treeline.keys_text(relation, 'tl_b', referenced), (pg_treeline.shadow_names(relation, 0)).base);
END $$;

-- What has become of rows: `pairs` has, for each, base, where the snapshot has it (NULL: nowhere),
-- and tl_o (NULL: deleted). The places of those that are deleted or have other values in unique
-- columns.
CREATE OR REPLACE FUNCTION pg_treeline.keys_changed(relation oid, pairs text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  uniques int2[] := pg_treeline.keys_unique(relation);
BEGIN
  RETURN format($f$
    SELECT pg_catalog.array_agg(tl_p.base) FROM (%s) tl_p JOIN %s tl_b ON tl_b.ctid = tl_p.base
     WHERE tl_p.gone OR %s IS DISTINCT FROM %s$f$, pairs, (pg_treeline.shadow_names(relation, 0)).base,
    pg_treeline.keys_text(relation, 'tl_b', uniques), pg_treeline.keys_text(relation, '(tl_p.tl_o)', uniques));
END $$;

-- Of notes: (olds pg_catalog.tid[], images pg_catalog.text[]).
CREATE OR REPLACE FUNCTION pg_treeline.keys_noted(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN format(E'\n  BEGIN\n    RETURN (%s);\n  END', pg_treeline.keys_changed(relation, format($f$
        SELECT u.old AS base, u.image IS NULL AS gone,
               pg_catalog.convert_from(pg_catalog.decode(u.image, 'hex'), 'UTF8')::%s AS tl_o
          FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) u(old, image) OFFSET 0$f$,
    (pg_treeline.shadow_names(relation, 0)).base)));
END $$;

-- Of a slot.
CREATE OR REPLACE FUNCTION pg_treeline.keys_shadowed(relation oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT pg_treeline.keys_changed(relation, format($f$
        SELECT tl_h.base, tl_h.over IS NULL AS gone, tl_o FROM %1$s tl_h LEFT JOIN %2$s tl_o ON tl_o.ctid = tl_h.over
        UNION ALL SELECT NULL, false, tl_o FROM %2$s tl_o
         WHERE NOT EXISTS (SELECT FROM %1$s tl_h WHERE tl_h.over = tl_o.ctid)$f$, n.hid, n.over))
      FROM pg_treeline.shadow_names(relation, slot) n);
END $$;

-- The references to rows that are not older than a transaction, the oldest that a snapshot does not
-- show: (pg_catalog.xid, identities pg_catalog.jsonb). Ages are modulo 2^32: a row of long ago may pass
-- for a new one, but not the other way round. A row's xmin may be a subtransaction's, which snapshots
-- do not list, but is never older than its transaction's.
CREATE OR REPLACE FUNCTION pg_treeline.keys_find(key oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format($f$
  BEGIN
    RETURN (
      SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('f', %1$L, %2$s, 'v', %3$s))
        FROM pg_catalog.jsonb_array_elements($2) k(v) JOIN %4$s tl_c ON %5$s
       WHERE pg_catalog.age(tl_c.xmin) <= pg_catalog.age($1));
  END$f$, key, pg_treeline.keys_identity(c.conrelid, 'tl_c'),
        pg_treeline.keys_text(c.conrelid, 'tl_c', c.conkey), (pg_treeline.shadow_names(c.conrelid, 0)).base, (
          SELECT string_agg(pg_treeline.keys_equal(
                   pg_treeline.shadow_columns(c.conrelid, '%1$s', '', ARRAY[c.conkey[p]]), 'k.v -> ''f''',
                   quote_literal(c.confkey[p]), c.confrelid, c.confkey[p]), ' AND ' ORDER BY p)
            FROM generate_subscripts(c.conkey, 1) p))
      FROM pg_constraint c WHERE c.oid = key);
END $$;

-- Whether the snapshot lacks one of these: (references pg_catalog.jsonb).
CREATE OR REPLACE FUNCTION pg_treeline.keys_lack(key oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format($f$
  BEGIN
    RETURN EXISTS (SELECT FROM pg_catalog.jsonb_array_elements($1) r(v)
      WHERE NOT EXISTS (SELECT FROM %1$s tl_c WHERE %2$s AND %3$s));
  END$f$, (pg_treeline.shadow_names(c.conrelid, 0)).base, coalesce(
          pg_treeline.keys_all_equal(c.conrelid, pg_treeline.keys_primary(c.conrelid), 'r.v -> ''k'''),
          'tl_c.ctid = (r.v ->> ''c'')::pg_catalog.tid'),
        pg_treeline.keys_all_equal(c.conrelid, c.conkey, 'r.v -> ''v'''))
      FROM pg_constraint c WHERE c.oid = key);
END $$;

-- Makes what there is not, or what is older than an index that was built in the background. Whoever
-- locks the table has what others made before in view, whatever the snapshot of the statement.
CREATE OR REPLACE FUNCTION pg_treeline.keys_make(relation oid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET pg_treeline.making = 'on'
SET allow_system_table_mods = on SET client_min_messages = warning AS $$
DECLARE
  orphan regprocedure;
BEGIN
  LOCK TABLE pg_treeline.shadow_secret IN SHARE ROW EXCLUSIVE MODE;
  IF to_regnamespace('pg_treeline_hid_0') IS NULL THEN
    CREATE SCHEMA pg_treeline_hid_0;
  END IF;
  PERFORM pg_treeline.shadow_function(f.id, 0, f.letter, f.arguments, f.result, f.body,
            (pg_treeline.shadow_names(f.owned, 0)).owner)
     FROM (SELECT relation, relation, t.* FROM (VALUES
             ('k', 'tid[]', 'text[]', pg_treeline.keys_rows(relation)),
             ('s', 'tid[], text[]', 'tid[]', pg_treeline.keys_noted(relation)),
             ('x', 'text', 'tid[]', E'\n  DECLARE\n    tl_n pg_catalog.tid[];\n  BEGIN
    EXECUTE $1 INTO tl_n;\n    RETURN tl_n;\n  END')) t
           UNION ALL SELECT c.oid, c.conrelid, t.* FROM pg_constraint c, LATERAL (VALUES
             ('f', 'xid, jsonb', 'jsonb', pg_treeline.keys_find(c.oid)),
             ('u', 'jsonb', 'bool', pg_treeline.keys_lack(c.oid))) t
            WHERE c.contype = 'f' AND c.confrelid = relation) f(id, owned, letter, arguments, result, body)
     LEFT JOIN pg_proc p ON p.oid = to_regproc(pg_treeline.shadow_object(f.id, 0, f.letter))
    WHERE p.prosrc IS DISTINCT FROM f.body
       OR p.proowner IS DISTINCT FROM quote_ident((pg_treeline.shadow_names(f.owned, 0)).owner)::regrole;
  -- of what is gone
  FOR orphan IN SELECT p.oid::regprocedure FROM pg_proc p
      WHERE p.pronamespace = 'pg_treeline_hid_0'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = substr(p.proname, 2)::oid)
        AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.oid = substr(p.proname, 2)::oid) LOOP
    EXECUTE format('DROP FUNCTION %s', orphan);
  END LOOP;
END $$;

-- Foreign keys in the shadow: what PostgreSQL's own triggers do at the end of a statement, seen as
-- the transaction sees the tables.

-- The columns of a foreign key through a template, in which %1$s is the child's and %2$s the parent's.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_pairs(key oid, template text, separator text)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT string_agg(format(template, pg_treeline.shadow_columns(c.conrelid, '%1$s', '', ARRAY[c.conkey[k]]),
             pg_treeline.shadow_columns(c.confrelid, '%1$s', '', ARRAY[c.confkey[k]])), separator ORDER BY k)
      FROM pg_constraint c, generate_subscripts(c.conkey, 1) k WHERE c.oid = key);
END $$;

-- What the transaction sees of a table: its shadow if the slot has one, or the table.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_seen(relation oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT CASE WHEN to_regclass(n.seen) IS NULL THEN n.base ELSE n.seen END
      FROM pg_treeline.shadow_names(relation, slot) n);
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.shadow_bare(relation oid, numbers int2[]) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT string_agg(a.attname, ', ' ORDER BY array_position(numbers, a.attnum))
      FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum = ANY (numbers));
END $$;

-- `Key (a, b)=(1, 2)` and what is said of it, of the row `image`; as PostgreSQL has it.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_detail(relation oid, numbers int2[], image text, rest text)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format('pg_catalog.concat(%L, pg_catalog.concat_ws('', '', %s), %L)',
             format('Key (%s)=(', string_agg(a.attname, ', ' ORDER BY array_position(numbers, a.attnum))),
             pg_treeline.shadow_columns(relation, '(' || image || ').%1$s', ', ', numbers), ') ' || rest)
      FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum = ANY (numbers));
END $$;

-- 23503 (23001 for RESTRICT from PostgreSQL 18 on) when `source` has a row.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_violation(key oid, message text, detail text, source text,
  code text DEFAULT '23503') RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format($f$
    SELECT %1$s INTO tl_detail FROM %2$s LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = %3$L, SCHEMA = %4$L, TABLE = %5$L, CONSTRAINT = %6$L,
        MESSAGE = %7$L, DETAIL = tl_detail;
    END IF;$f$, detail, source, code, n.nspname, child.relname, c.conname,
        format(message, parent.relname, c.conname, child.relname))
      FROM pg_constraint c JOIN pg_class child ON child.oid = c.conrelid
      JOIN pg_class parent ON parent.oid = c.confrelid
      JOIN pg_namespace n ON n.oid = child.relnamespace WHERE c.oid = key);
END $$;

-- A change of a parent: what its children do. `op` is d or u.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_parent(key oid, slot int, op text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT CASE
      WHEN action = 'c' AND op = 'd' THEN format(E'\n  DELETE FROM %s tl_c USING %s;', child, changed)
      WHEN action = 'c' THEN format(E'\n  UPDATE %s tl_c SET %s FROM %s;', child,
        pg_treeline.shadow_pairs(key, '%1$s = (e.new).%2$s', ', '), changed)
      WHEN action IN ('n', 'd') THEN format(E'\n  UPDATE %s tl_c SET %s FROM %s;', child,
        pg_treeline.shadow_columns(conrelid, CASE action WHEN 'n' THEN '%1$s = NULL' ELSE '%1$s = DEFAULT' END, ', ',
          CASE op WHEN 'd' THEN emptied ELSE conkey END), changed)
      ELSE '' END
      -- the default may be the very key that is gone
      || CASE WHEN action IN ('c', 'n') OR action = 'a' AND condeferred THEN ''
      ELSE pg_treeline.shadow_violation(key, 'update or delete on table "%1$s" violates '
             || CASE WHEN restricts THEN 'RESTRICT setting of ' ELSE '' END
             || 'foreign key constraint "%2$s" on table "%3$s"',
           pg_treeline.shadow_detail(confrelid, confkey, 'e.old', format('is %sreferenced from table "%s".',
             CASE WHEN restricts THEN '' ELSE 'still ' END, (SELECT relname FROM pg_class WHERE oid = conrelid))),
           format('%s tl_c, %s%s', child, changed, CASE action WHEN 'r' THEN ''
             ELSE format(' AND NOT EXISTS (SELECT FROM %s tl_p WHERE %s)',
               pg_treeline.shadow_seen(confrelid, slot),
               pg_treeline.shadow_pairs(key, 'tl_p.%2$s = (e.old).%2$s', ' AND ')) END),
           CASE WHEN restricts THEN '23001' ELSE '23503' END) END
      FROM (SELECT c.*, CASE op WHEN 'd' THEN c.confdeltype ELSE c.confupdtype END AS action,
                   pg_treeline.shadow_seen(c.conrelid, slot) AS child,
                   -- from PostgreSQL 15 on: SET NULL (columns)
                   coalesce((SELECT array_agg(x::int2) FROM jsonb_array_elements_text(
                     nullif(to_jsonb(c) -> 'confdelsetcols', 'null')) x), c.conkey) AS emptied,
                   format('pg_catalog.unnest(tl_e) e WHERE e.op = %L AND %s%s', op,
                     pg_treeline.shadow_pairs(key, 'tl_c.%1$s = (e.old).%2$s', ' AND '),
                     CASE op WHEN 'u' THEN format(' AND ROW(%s) IS DISTINCT FROM ROW(%s)',
                         pg_treeline.shadow_columns(c.confrelid, '(e.old).%1$s', ', ', c.confkey),
                         pg_treeline.shadow_columns(c.confrelid, '(e.new).%1$s', ', ', c.confkey))
                       ELSE '' END) AS changed
              FROM pg_constraint c WHERE c.oid = key) c,
           LATERAL (SELECT action = 'r' AND (SELECT setting::int >= 180000 FROM pg_settings
                                             WHERE name = 'server_version_num')) r(restricts));
END $$;

-- A new or changed child: its parent exists, if it is still there itself.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_child(key oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT CASE WHEN c.condeferred THEN '' ELSE pg_treeline.shadow_violation(key,
        'insert or update on table "%3$s" violates foreign key constraint "%2$s"',
        format('CASE WHEN %s THEN %L ELSE %s END',
          pg_treeline.shadow_columns(c.conrelid, '(e.new).%1$s IS NULL', ' OR ', c.conkey),
          'MATCH FULL does not allow mixing of null and nonnull key values.',
          pg_treeline.shadow_detail(c.conrelid, c.conkey, 'e.new', format('is not present in table "%s".', p.relname))),
        format('pg_catalog.unnest(tl_e) e WHERE e.op <> ''d''
          AND (e.op = ''i'' OR ROW(%1$s) IS DISTINCT FROM ROW(%2$s)) AND (%3$s)
          AND NOT EXISTS (SELECT FROM %4$s tl_p WHERE %5$s)
          AND EXISTS (SELECT FROM %6$s tl_c WHERE tl_c *= e.new)',
          pg_treeline.shadow_columns(c.conrelid, '(e.old).%1$s', ', ', c.conkey),
          pg_treeline.shadow_columns(c.conrelid, '(e.new).%1$s', ', ', c.conkey),
          pg_treeline.shadow_columns(c.conrelid, '(e.new).%1$s IS NOT NULL',
            CASE c.confmatchtype WHEN 'f' THEN ' OR ' ELSE ' AND ' END, c.conkey),
          pg_treeline.shadow_seen(c.confrelid, slot),
          pg_treeline.shadow_pairs(key, 'tl_p.%2$s = (e.new).%1$s', ' AND '), n.over)) END
      FROM pg_constraint c JOIN pg_class p ON p.oid = c.confrelid,
           pg_treeline.shadow_names(c.conrelid, slot) n WHERE c.oid = key);
END $$;

-- At the end of a statement: actions first, then what must hold.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_refer(relation oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format($f$
  #variable_conflict use_column
  DECLARE
    tl_e %1$s[];
    tl_detail pg_catalog.text;
  BEGIN
    WITH d AS (DELETE FROM %1$s tl_d RETURNING tl_d)
      SELECT pg_catalog.array_agg(d.tl_d) INTO tl_e FROM d;
    IF tl_e IS NULL THEN
      RETURN NULL;
    END IF;%2$s%3$s
    RETURN NULL;
  END$f$, pg_treeline.shadow_object(relation, slot, 'e'), (
      SELECT string_agg(pg_treeline.shadow_parent(c.oid, slot, op), ''
               ORDER BY CASE op WHEN 'd' THEN c.confdeltype ELSE c.confupdtype END IN ('a', 'r'), c.oid, op)
        FROM pg_constraint c, unnest(ARRAY['d', 'u']) op
       WHERE c.contype = 'f' AND c.confrelid = relation), (
      SELECT string_agg(pg_treeline.shadow_child(c.oid, slot), '' ORDER BY c.oid)
        FROM pg_constraint c WHERE c.contype = 'f' AND c.conrelid = relation)));
END $$;

-- The code of a shadow: functions that give the text of a slot's functions. In their templates
-- names are qualified and nothing is set: what a client put into the table sees the client's path.
-- (Operators need no qualification, since clients cannot create any.)

-- Whether two rows of the table, `a` and `b`, are the same to a unique index.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_same_key(index oid, a text, b text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT string_agg(CASE WHEN i.indkey[k - 1] > 0
             THEN format('%2$s.%1$s %4$s %3$s.%1$s',
                    pg_treeline.shadow_columns(i.indrelid, '%1$s', '', ARRAY[i.indkey[k - 1]]), a, b, same)
             ELSE format('(SELECT %1$s FROM (SELECT %2$s.*) tl_q) %4$s (SELECT %1$s FROM (SELECT %3$s.*) tl_q)',
                    pg_get_indexdef(index, k, true), a, b, same) END, ' AND ')
           || CASE WHEN i.indpred IS NULL THEN '' ELSE
                format(' AND (SELECT %1$s FROM (SELECT %2$s.*) tl_q) AND (SELECT %1$s FROM (SELECT %3$s.*) tl_q)',
                  pg_get_expr(i.indpred, i.indrelid), a, b) END
      FROM (SELECT x.indrelid, x.indkey::int2[], x.indpred, x.indnkeyatts,
                   -- from PostgreSQL 15 on
                   CASE WHEN to_jsonb(x) ->> 'indnullsnotdistinct' = 'true'
                     THEN 'IS NOT DISTINCT FROM' ELSE '=' END AS same
              FROM pg_index x WHERE x.indexrelid = index) i, generate_series(1, i.indnkeyatts) k
     GROUP BY i.indpred, i.indrelid);
END $$;

CREATE OR REPLACE FUNCTION pg_treeline.shadow_indexes(relation oid) RETURNS SETOF oid
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT i.indexrelid FROM pg_index i
     WHERE i.indrelid = relation AND i.indisunique AND i.indisready ORDER BY 1;
END $$;

-- Of a row that OLD is: its key, and all its values as they are.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_is_old(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT concat_ws(' AND ', (
      SELECT pg_treeline.shadow_columns(relation, 'tl_b.%1$s = OLD.%1$s', ' AND ', i.indkey::int2[])
        FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary), 'tl_b *= ROW(OLD.*)'));
END $$;

-- 23505 when a row of the table that is not hidden has a key of NEW. Those of the overlay are its
-- own unique indexes' matter.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_unique(relation oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT string_agg(format($f$
    IF EXISTS (SELECT FROM %1$s tl_b WHERE %2$s
        AND NOT EXISTS (SELECT FROM %3$s tl_h WHERE tl_h.base = tl_b.ctid)) THEN
      RAISE EXCEPTION USING ERRCODE = '23505', SCHEMA = %4$L, TABLE = %5$L, CONSTRAINT = %6$L,
        MESSAGE = %7$L, DETAIL = pg_catalog.concat(%8$L, (SELECT pg_catalog.concat_ws(', ', %9$s)
          FROM (SELECT NEW.*) tl_q), ') already exists.');
    END IF;$f$, n.base, pg_treeline.shadow_same_key(i, 'tl_b', 'NEW'), n.hid, n.schema, n.name,
        c.relname, format('duplicate key value violates unique constraint "%s"', c.relname),
        format('Key (%s)=(', k.names), k.values), '' ORDER BY i)
      FROM pg_treeline.shadow_names(relation, slot) n, pg_treeline.shadow_indexes(relation) i
      JOIN pg_class c ON c.oid = i JOIN pg_index x ON x.indexrelid = i,
      LATERAL (SELECT string_agg(d, ', '), string_agg(format('coalesce((%s)::pg_catalog.text, ''null'')', d), ', ')
                 FROM generate_series(1, x.indnkeyatts) p, pg_get_indexdef(i, p, true) d) k(names, values));
END $$;

-- What a table says to values that only it may give.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_refusals(relation oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT string_agg(format($f$
    IF TG_OP = 'INSERT' AND NEW.%1$s IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = '428C9', MESSAGE = %2$L, DETAIL = %4$L%5$s;
    ELSIF TG_OP = 'UPDATE' AND NEW.%1$s IS NOT NULL
        AND NEW.%1$s::pg_catalog.text IS DISTINCT FROM OLD.%1$s::pg_catalog.text THEN
      RAISE EXCEPTION USING ERRCODE = '428C9', MESSAGE = %3$L, DETAIL = %4$L;
    END IF;%6$s$f$, pg_treeline.shadow_quote(a.attname),
        format('cannot insert a non-DEFAULT value into column "%s"', a.attname),
        format('column "%s" can only be updated to DEFAULT', a.attname),
        CASE a.attgenerated WHEN ''
          THEN format('Column "%s" is an identity column defined as GENERATED ALWAYS.', a.attname)
          ELSE format('Column "%s" is a generated column.', a.attname) END,
        CASE a.attgenerated WHEN '' THEN ', HINT = ''Use OVERRIDING SYSTEM VALUE to override.''' ELSE '' END,
        CASE a.attgenerated WHEN '' THEN format($f$
    IF TG_OP <> 'DELETE' AND NEW.%1$s IS NULL THEN NEW.%1$s := pg_catalog.nextval(%2$L); END IF;$f$,
          pg_treeline.shadow_quote(a.attname),
          pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)) ELSE '' END), '')
      FROM pg_attribute a
     WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
       AND (a.attgenerated <> '' OR a.attidentity = 'a'));
END $$;

-- Notes a change for the foreign keys at the end of the statement, when there are any.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_event(relation oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format('INSERT INTO %s VALUES (pg_catalog.lower(pg_catalog.left(TG_OP, 1))::"char",
      CASE WHEN TG_OP <> ''INSERT'' THEN ROW(%s)::%s END, CASE WHEN TG_OP <> ''DELETE'' THEN ROW(%s)::%3$s END);',
      pg_treeline.shadow_object(relation, slot, 'e'), pg_treeline.shadow_columns(relation, 'OLD.%1$s'),
      relation::regclass, pg_treeline.shadow_columns(relation, 'NEW.%1$s'))
     WHERE EXISTS (SELECT FROM pg_constraint c
                    WHERE c.contype = 'f' AND relation IN (c.conrelid, c.confrelid)));
END $$;

-- Instead of a write to the view.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_write(relation oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format($f$
  #variable_conflict use_column
  DECLARE
    tl_at pg_catalog.tid;
    tl_base pg_catalog.tid;
  BEGIN%1$s
    IF TG_OP = 'UPDATE' THEN
      UPDATE %2$s tl_t SET %3$s WHERE tl_t.ctid = (SELECT tl_b.ctid FROM %2$s tl_b WHERE %4$s LIMIT 1)
        RETURNING tl_t.ctid INTO tl_at;
    ELSIF TG_OP = 'DELETE' THEN
      DELETE FROM %2$s tl_t WHERE tl_t.ctid = (SELECT tl_b.ctid FROM %2$s tl_b WHERE %4$s LIMIT 1)
        RETURNING tl_t.ctid INTO tl_at;
    END IF;
    IF TG_OP <> 'INSERT' AND tl_at IS NULL THEN
      INSERT INTO %5$s SELECT tl_b.ctid, NULL, pg_catalog.lower(pg_catalog.left(TG_OP, 1))::"char"
        FROM %6$s tl_b WHERE %4$s AND NOT EXISTS (SELECT FROM %5$s tl_h WHERE tl_h.base = tl_b.ctid)
        LIMIT 1 RETURNING base INTO tl_base;
      -- changed by this very statement already
      IF tl_base IS NULL THEN
        RETURN NULL;
      END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
      IF tl_at IS NULL THEN
        INSERT INTO %2$s AS tl_t (%7$s) VALUES (%8$s) RETURNING tl_t.ctid INTO tl_at;
      END IF;
      IF tl_base IS NOT NULL THEN
        UPDATE %5$s SET over = tl_at WHERE base = tl_base;
      END IF;%9$s
    END IF;
    %10$s
    IF TG_OP = 'DELETE' THEN
      RETURN OLD;
    END IF;
    RETURN NEW;
  END$f$, pg_treeline.shadow_refusals(relation), n.over,
        pg_treeline.shadow_columns(relation, '%1$s = NEW.%1$s', ', ', g),
        pg_treeline.shadow_is_old(relation), n.hid, n.base, pg_treeline.shadow_columns(relation, '%1$s', ', ', g),
        pg_treeline.shadow_columns(relation, 'NEW.%1$s', ', ', g),
        (SELECT format(E'\n    SELECT %s INTO %s FROM %s tl_t WHERE tl_t.ctid = tl_at;',
            pg_treeline.shadow_columns(relation, 'tl_t.%1$s', ', ', made),
            pg_treeline.shadow_columns(relation, 'NEW.%1$s', ', ', made), n.over)
           FROM (SELECT array_agg(a.attnum) FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0
                    AND NOT a.attisdropped AND a.attgenerated <> '') x(made) WHERE made IS NOT NULL),
        pg_treeline.shadow_event(relation, slot))
      FROM pg_treeline.shadow_names(relation, slot) n, pg_treeline.shadow_given(relation) g);
END $$;

-- After a row of the overlay was changed, by the function above or by ON CONFLICT itself.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_follow(relation oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format($f$
  #variable_conflict use_column
  BEGIN
    IF TG_OP = 'UPDATE' THEN
      UPDATE %1$s SET over = NEW.ctid, was = 'u' WHERE over = OLD.ctid;
    ELSIF TG_OP = 'DELETE' THEN
      UPDATE %1$s SET over = NULL, was = 'd' WHERE over = OLD.ctid;
      RETURN NULL;
    END IF;%2$s
    %3$s
    RETURN NULL;
  END$f$, n.hid, pg_treeline.shadow_unique(relation, slot),
        'IF pg_catalog.pg_trigger_depth() = 1 THEN ' || pg_treeline.shadow_event(relation, slot) || ' END IF;')
      FROM pg_treeline.shadow_names(relation, slot) n);
END $$;

-- Before ON CONFLICT: the table's rows that a proposed row clashes with come into the overlay.
CREATE OR REPLACE FUNCTION pg_treeline.shadow_clash(relation oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format($f$
  #variable_conflict use_column
  DECLARE
    tl_base pg_catalog.tid;
    tl_at pg_catalog.tid;
  BEGIN
    FOR tl_base IN SELECT tl_b.ctid FROM %1$s tl_b WHERE (%2$s)
        AND NOT EXISTS (SELECT FROM %3$s tl_h WHERE tl_h.base = tl_b.ctid) LOOP
      INSERT INTO %3$s VALUES (tl_base, NULL, 'h');
      INSERT INTO %4$s AS tl_t (%5$s) SELECT %6$s FROM %1$s tl_b WHERE tl_b.ctid = tl_base
        RETURNING tl_t.ctid INTO tl_at;
      UPDATE %3$s SET over = tl_at WHERE base = tl_base;
    END LOOP;
    RETURN NULL;
  END$f$, n.base, coalesce((SELECT string_agg('(' || pg_treeline.shadow_same_key(i, 'tl_b', 'NEW') || ')', ' OR ')
          FROM pg_treeline.shadow_indexes(relation) i), 'false'), n.hid, n.over,
        pg_treeline.shadow_columns(relation, '%1$s', ', ', g),
        pg_treeline.shadow_columns(relation, 'tl_b.%1$s', ', ', g))
      FROM pg_treeline.shadow_names(relation, slot) n, pg_treeline.shadow_given(relation) g);
END $$;

-- What the transaction has changed so far: (olds pg_catalog.tid[], images pg_catalog.text[]).
CREATE OR REPLACE FUNCTION pg_treeline.shadow_fill(relation oid, slot int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    SELECT format($f$
  #variable_conflict use_column
  BEGIN
    INSERT INTO %1$s SELECT u.old, NULL, 'd'
      FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) u(old, image)
      WHERE u.old IS NOT NULL AND u.image IS NULL;
    WITH r AS MATERIALIZED (
        SELECT u.n, u.old, pg_catalog.convert_from(pg_catalog.decode(u.image, 'hex'), 'UTF8')::%2$s AS tl_r
          FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) WITH ORDINALITY u(old, image, n)
         WHERE u.image IS NOT NULL),
      i AS (INSERT INTO %3$s AS tl_t (%4$s) SELECT %5$s FROM r ORDER BY r.n RETURNING tl_t.ctid AS tl_at),
      k AS (SELECT i.tl_at, pg_catalog.row_number() OVER () AS n FROM i),
      m AS (SELECT r.old, pg_catalog.row_number() OVER (ORDER BY r.n) AS n FROM r)
    INSERT INTO %1$s SELECT m.old, k.tl_at, 'u' FROM m JOIN k ON k.n = m.n WHERE m.old IS NOT NULL;
  END$f$, n.hid, n.base, n.over, pg_treeline.shadow_columns(relation, '%1$s', ', ', g),
        pg_treeline.shadow_columns(relation, '(r.tl_r).%1$s', ', ', g))
      FROM pg_treeline.shadow_names(relation, slot) n, pg_treeline.shadow_given(relation) g);
END $$;

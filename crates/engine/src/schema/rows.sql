-- The limits of a transaction: 3,000 rows and 10 MiB; of a row: 2 MiB; of a value: 1 MiB.

-- The rows and bytes of the running transaction: rows * 2^40 + bytes, in a parameter that ends
-- with the transaction.
CREATE OR REPLACE FUNCTION pg_treeline.transaction_work() RETURNS bigint
LANGUAGE sql STABLE
RETURN coalesce(nullif(pg_treeline.current_setting('pg_treeline.work', true), ''), '0')::bigint;

-- A row of this table makes the COMMIT fail; its trigger is deferred to then.
CREATE UNLOGGED TABLE IF NOT EXISTS pg_treeline.oversize (transaction xid8 NOT NULL);
CREATE OR REPLACE FUNCTION pg_treeline.refuse_oversize() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'transaction size limit 10mb exceeded',
    DETAIL = format('Current transaction size %smb > 10mb',
      ((pg_treeline.transaction_work() & 1099511627775) + 1048575) / 1048576);
END $$;
DROP TRIGGER IF EXISTS refuse ON pg_treeline.oversize;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON pg_treeline.oversize
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_treeline.refuse_oversize();

-- The size of a large row before compression, and what a row, a value and a key may measure. Values
-- that are stored out of line are measured without being read.
CREATE OR REPLACE FUNCTION pg_treeline.measure(relation oid, image anyelement) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- by number of the column
  sizes bigint[];
BEGIN
  EXECUTE (
    SELECT format('SELECT ARRAY[%s]::bigint[]', string_agg(
             CASE WHEN a.attisdropped THEN 'NULL'
                  WHEN pg_treeline.base_type(a.atttypid) IN (17, 25, 1042, 1043)
                  THEN format('octet_length(($1).%I)', a.attname)
                  ELSE format('pg_column_size(($1).%I)', a.attname) END, ',' ORDER BY a.attnum))
      FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0)
    INTO sizes USING image;
  IF (SELECT max(s) FROM unnest(sizes) s) > 1048576 THEN
    RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'maximum column size exceeded';
  ELSIF (SELECT sum(s) FROM unnest(sizes) s) > 2097152 THEN
    RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'maximum row size exceeded';
  ELSIF EXISTS (
      SELECT FROM pg_index i, unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) key
       WHERE i.indrelid = relation AND key > 0
       GROUP BY i.indexrelid HAVING sum(sizes[key]) > 1981) THEN
    RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'key size too large';
  END IF;
  RETURN (SELECT sum(s) FROM unnest(sizes) s);
END $$;

-- What a note of `count_row` carries of a row: its text in hexadecimal, whatever the session's
-- settings and encoding.
CREATE OR REPLACE FUNCTION pg_treeline.row_image(image record) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD'
SET intervalstyle = postgres SET extra_float_digits = 3 AS $$
BEGIN
  RETURN encode(convert_to(image::text, 'UTF8'), 'hex');
END $$;

-- Runs after every changed row of a client's table, so every step counts: assignments rather than
-- PERFORM, one parameter rather than two, and no SET clause, which would make PostgreSQL resolve the
-- search path for every row (3 of 5 us). SECURITY DEFINER to reach the machinery, and therefore
-- every name and operator is qualified: nothing is looked up along the client's search path.
-- Of a row that changes in a subtransaction, which only the gateway begins, it sends the gateway a
-- note. An argument is the table that a shadow's is the overlay of; those changes need no note.
CREATE OR REPLACE FUNCTION pg_treeline.count_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  setting pg_catalog.text := pg_treeline.current_setting('pg_treeline.work', true);
  before pg_catalog.int8 := 0;
  work pg_catalog.int8;
  size pg_catalog.int8 := 0;
BEGIN
  IF setting OPERATOR(pg_catalog.<>) '' THEN
    before := setting;
    -- the machinery itself is at work: see shadow_mute
    IF before OPERATOR(pg_catalog.<) 0 THEN
      RETURN NULL;
    END IF;
  END IF;
  IF TG_OP OPERATOR(pg_catalog.<>) 'DELETE' THEN
    size := pg_catalog.pg_column_size(NEW);
    -- PostgreSQL compresses and moves out values of rows above this size.
    IF size OPERATOR(pg_catalog.>) 2000 THEN
      size := pg_treeline.measure(coalesce(TG_ARGV[0]::pg_catalog.oid, TG_RELID), NEW);
    END IF;
  END IF;
  work := before OPERATOR(pg_catalog.+) 1099511627776 OPERATOR(pg_catalog.+) size;
  -- 3,001 * 2^40
  IF work OPERATOR(pg_catalog.>=) 3299634394955776 THEN
    RAISE EXCEPTION USING ERRCODE = '54000', MESSAGE = 'transaction row limit exceeded';
  END IF;
  setting := pg_treeline.set_config('pg_treeline.work', work::pg_catalog.text, true);
  IF (work OPERATOR(pg_catalog.&) 1099511627775) OPERATOR(pg_catalog.>) 10485760
     AND (before OPERATOR(pg_catalog.&) 1099511627775) OPERATOR(pg_catalog.<=) 10485760 THEN
    INSERT INTO pg_treeline.oversize VALUES (pg_catalog.pg_current_xact_id());
  END IF;
  IF (CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN OLD.xmax ELSE NEW.xmin END)
       OPERATOR(pg_catalog.<>) pg_catalog.pg_current_xact_id()::pg_catalog.xid
     AND TG_NARGS OPERATOR(pg_catalog.=) 0 THEN
    -- The usual settings keep every value; a function with a SET clause takes as long as all the rest.
    RAISE INFO USING ERRCODE = 'TL001', DETAIL = setting, MESSAGE = CASE
      WHEN TG_OP OPERATOR(pg_catalog.=) 'DELETE'
      THEN pg_catalog.concat_ws(' ', TG_RELID, OLD.ctid, '- -')
      ELSE pg_catalog.concat_ws(' ', TG_RELID,
        CASE WHEN TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN OLD.ctid::pg_catalog.text ELSE '-' END,
        NEW.ctid,
        CASE WHEN pg_catalog.concat(
            pg_catalog.left(pg_treeline.current_setting('datestyle'), 4),
            pg_treeline.current_setting('intervalstyle'),
            pg_treeline.current_setting('extra_float_digits'))
          OPERATOR(pg_catalog.=) ANY ('{"ISO,postgres1","ISO,postgres2","ISO,postgres3"}'::pg_catalog.text[])
        THEN pg_catalog.encode(pg_catalog.convert_to(NEW::pg_catalog.text, 'UTF8'), 'hex')
        ELSE pg_treeline.row_image(NEW) END) END;
  END IF;
  RETURN NULL;
END $$;

-- Puts the trigger on a table that has none. As an internal trigger it is neither dumped nor shown,
-- and only a superuser can disable it.
CREATE OR REPLACE FUNCTION pg_treeline.watch_rows(relation oid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND tgname = 'pg_treeline_rows') THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TRIGGER pg_treeline_rows AFTER INSERT OR UPDATE OR DELETE ON %s
                  FOR EACH ROW EXECUTE FUNCTION pg_treeline.count_row()', relation::regclass);
  UPDATE pg_trigger SET tgisinternal = true
   WHERE tgrelid = relation AND tgname = 'pg_treeline_rows';
END $$;

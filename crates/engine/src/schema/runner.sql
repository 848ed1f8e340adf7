-- What the job runner calls, as the superuser and one job at a time. Nobody else may.

-- DROP INDEX statements for what an interrupted or failed REINDEX CONCURRENTLY left behind on the
-- table of an index.
CREATE OR REPLACE FUNCTION pg_treeline.leftovers(index oid) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(array_agg('DROP INDEX ' || pg_treeline.object_name(o.indexrelid)), '{}')
    FROM pg_index i JOIN pg_index o ON o.indrelid = i.indrelid
    JOIN pg_class c ON c.oid = o.indexrelid
   WHERE i.indexrelid = index AND NOT o.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
     AND NOT EXISTS (SELECT FROM pg_treeline.jobs j WHERE j.object_id = o.indexrelid)
$$;

-- Validates with the rights of the table's owner: a check constraint may call the owner's
-- functions. A SECURITY DEFINER function is the one context that such code cannot leave by RESET
-- ROLE.
CREATE OR REPLACE FUNCTION pg_treeline.validate_now(constraint_ oid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  SELECT conname, conrelid, relowner INTO c
    FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE pg_constraint.oid = constraint_;
  EXECUTE format(
    'CREATE FUNCTION pg_treeline.as_owner() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
       SET search_path = "$user", public AS %L',
    format('BEGIN ALTER TABLE %s VALIDATE CONSTRAINT %I; END',
      pg_treeline.object_name(c.conrelid), c.conname));
  EXECUTE format('ALTER FUNCTION pg_treeline.as_owner() OWNER TO %I', pg_get_userbyid(c.relowner));
  PERFORM pg_treeline.as_owner();
  DROP FUNCTION pg_treeline.as_owner();
END $$;

-- REINDEX CONCURRENTLY puts a new index, with an OID of its own, in the place of the old one. The job
-- goes with the name, once the index it knows has gone or is being removed.
CREATE OR REPLACE FUNCTION pg_treeline.follow_index(job text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  UPDATE pg_treeline.jobs j SET object_id = i.indexrelid
    FROM pg_index i
   WHERE j.job_id = job AND j.job_type = 'INDEX_BUILD' AND i.indrelid = j.table_id
     AND i.indexrelid = to_regclass(j.index_name) AND i.indexrelid <> j.object_id
     AND NOT EXISTS (SELECT FROM pg_class o
                      WHERE o.oid = j.object_id AND o.relname !~ '_cc(new|old)[0-9]*$')
$$;

-- What a job has to run. Indexes call functions of clients: REINDEX and ANALYZE run as the table's
-- owner, who is then the one who is logged in as well, and let such functions change nothing of
-- that. Locks are asked for briefly, so that clients never queue behind the job;
-- a build that cannot get its lock, or that takes a while, runs concurrently with writers.
CREATE OR REPLACE FUNCTION pg_treeline.statements(job pg_treeline.jobs) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  object text := pg_treeline.object_name(job.object_id);
  owner text := (SELECT format('SET SESSION AUTHORIZATION %I', pg_get_userbyid(relowner))
                   FROM pg_class WHERE oid = job.object_id);
BEGIN
  CASE job.job_type
    WHEN 'INDEX_BUILD' THEN
      IF NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = job.object_id AND NOT indisvalid) THEN
        RETURN '{}';
      ELSIF job.attempts < 5 AND pg_relation_size(
          (SELECT indrelid FROM pg_index WHERE indexrelid = job.object_id)) <= 8388608 THEN
        RETURN ARRAY['SET lock_timeout = 20', owner, 'REINDEX INDEX ' || object];
      END IF;
      RETURN pg_treeline.leftovers(job.object_id)
        || ARRAY['SET lock_timeout = 0', owner, 'REINDEX INDEX CONCURRENTLY ' || object];
    WHEN 'VALIDATE_CONSTRAINT' THEN
      IF NOT EXISTS (SELECT FROM pg_constraint WHERE oid = job.constraint_id) THEN
        RETURN '{}';
      END IF;
      RETURN ARRAY['SET lock_timeout = 200',
        format('SELECT pg_treeline.validate_now(%s)', job.constraint_id)];
    WHEN 'ANALYZE' THEN
      RETURN ARRAY['SET lock_timeout = 20', owner, 'ANALYZE ' || object];
    ELSE
      RETURN '{}';
  END CASE;
END $$;

-- The next job and what it has to run, or the seconds until there is one, or nothing at all.
-- A job that is `processing` already was interrupted, or had to give way.
CREATE OR REPLACE FUNCTION pg_treeline.next_job(delay float8,
  OUT job_id text, OUT statements text[], OUT wait float8)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  job pg_treeline.jobs;
  ready timestamptz;
BEGIN
  DELETE FROM pg_treeline.jobs WHERE status IN ('completed', 'failed')
     AND update_time < clock_timestamp() - interval '30 minutes';
  PERFORM pg_treeline.follow_index(j.job_id) FROM pg_treeline.jobs j WHERE status = 'processing';
  UPDATE pg_treeline.jobs SET status = 'completed', update_time = clock_timestamp(),
         details = 'Skipped job for nonexistent table.'
   WHERE status IN ('submitted', 'processing')
     AND NOT EXISTS (SELECT FROM pg_class WHERE oid = object_id);
  SELECT * INTO job FROM pg_treeline.jobs WHERE status IN ('submitted', 'processing')
   ORDER BY greatest(start_time + delay * interval '1 s', not_before), start_time LIMIT 1;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  ready := greatest(job.start_time + delay * interval '1 s', job.not_before);
  IF ready > clock_timestamp() THEN
    wait := extract(epoch FROM ready - clock_timestamp());
    RETURN;
  END IF;
  UPDATE pg_treeline.jobs SET status = 'processing', update_time = clock_timestamp(),
         index_name = pg_treeline.object_name(object_id),
         table_id = (SELECT indrelid FROM pg_index WHERE indexrelid = object_id)
   WHERE jobs.job_id = job.job_id;
  job_id := job.job_id;
  statements := pg_treeline.statements(job);
END $$;

-- How it went: no `state` for success, else the SQLSTATE and PostgreSQL's message. Answers with
-- what is left to clean up.
CREATE OR REPLACE FUNCTION pg_treeline.finish_job(job text, state text, message text)
RETURNS text[] LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- locks, deadlocks, snapshots, relations that have just gone: it is run again
  again CONSTANT bool := state IN ('55P03', '40P01', '40001', '42P01', '42704', 'XX000');
  tries int;
  object oid;
BEGIN
  PERFORM pg_treeline.follow_index(job);
  SELECT attempts, object_id INTO tries, object FROM pg_treeline.jobs WHERE job_id = job;
  IF state IS NOT NULL AND again AND (tries < 3 OR state IN ('55P03', '40P01')) THEN
    UPDATE pg_treeline.jobs SET attempts = attempts + 1, update_time = clock_timestamp(),
           not_before = clock_timestamp() + least(tries + 1, 10) * interval '100 ms'
     WHERE job_id = job;
    RETURN '{}';
  END IF;
  UPDATE pg_treeline.jobs SET update_time = clock_timestamp(),
         status = CASE WHEN state IS NULL THEN 'completed' ELSE 'failed' END,
         details = CASE
           WHEN state IS NULL THEN NULL
           WHEN state = '23505' THEN 'Found duplicate key while validating index for UCVs'
           -- about the client's data
           WHEN state ~ '^(2[23]|54)' THEN message
           ELSE format('Job failed with SQLSTATE %s.', state) END
   WHERE job_id = job;
  RETURN CASE WHEN state IS NULL THEN '{}'::text[] ELSE pg_treeline.leftovers(object) END;
END $$;

// node-postgres: its own pool, cursors and COPY streams, with tokens as passwords.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { rootCertificates } from "node:tls";
import copy from "pg-copy-streams";
import Cursor from "pg-cursor";
import pg from "pg";
import { host, port, retried, token, unique } from "./cluster.mjs";

/** What a user writes; the authority is in NODE_EXTRA_CA_CERTS. */
const options = { host, port, user: "admin", database: "postgres", password: token, ssl: true };
const counters = unique("counters");
let client;

before(async () => {
  client = await connected();
  await client.query(`CREATE TABLE ${counters} (id int PRIMARY KEY, n bigint NOT NULL)`);
  await client.query(`INSERT INTO ${counters} VALUES (1, 0)`);
});

after(() => client.end());

/** A connection that ends with the test `t`, or with all of them. */
async function connected(t, others = {}) {
  const client = new pg.Client({ ...options, ...others });
  t?.after(() => client.end());
  await client.connect();
  return client;
}

/** What a login with these options is refused with. */
async function refusal(others) {
  const client = new pg.Client({ ...options, ...others });
  client.on("error", () => {});
  return client.connect().then(() => assert.fail("it was let in"), (error) => error);
}

async function error(promise) {
  return promise.then(() => assert.fail("it succeeded"), (error) => error);
}

test("TLS may begin at once", async (t) => {
  const direct = await connected(t, { sslnegotiation: "direct" });
  const { rows } = await direct.query("SELECT current_user, current_database()");
  assert.deepEqual(rows, [{ current_user: "admin", current_database: "postgres" }]);
});

test("logins are refused with a code and a reason", async () => {
  const denied = "unable to accept connection, access denied";
  const noToken = "The password is not an authentication token of Aurora DSQL.";
  const wrongAction = "Wrong user to action mapping. user: app, action: DbConnectAdmin";
  for (const [others, code, message, hint] of [
    [{ ssl: false }, "08P01", "SSL is mandatory: unable to accept an unencrypted connection"],
    [{ password: "x" }, "08006", denied, noToken],
    [{ user: "app" }, "08006", denied, wrongAction],
    [{ database: "app" }, "3D000", 'database "app" does not exist'],
  ]) {
    const refused = await refusal(others);
    assert.deepEqual(
      [refused.severity, refused.code, refused.message, refused.hint],
      ["FATAL", code, message, hint],
    );
  }
});

test("a client that does not know the authority does not connect", async () => {
  const { code } = await refusal({ ssl: { ca: rootCertificates } });
  assert.equal(code, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
});

test("parameters and results have their types", async () => {
  const day = new Date("2026-11-22T08:00:00Z");
  const bytes = Buffer.from([0, 255]);
  const values = [7, "9007199254740993", "12.50", true, "it's", day, bytes, { a: [1] }, null];
  const { rows, fields } = await client.query({
    text: `SELECT $1::int, $2::bigint, $3::numeric, $4::bool, $5::text, $6::timestamptz,
                  $7::bytea, $8::json, $9::uuid`,
    values,
    rowMode: "array",
  });
  assert.deepEqual(rows, [values]);
  assert.equal(fields.length, values.length);
  const list = await client.query("SELECT $1::int = ANY($2::int[]) AS found", [2, [1, 2]]);
  assert.deepEqual(list.rows, [{ found: true }]);
});

test("a prepared statement is used again, also after an error", async () => {
  const text = "SELECT 12 / $1::int AS n";
  const divide = (by) => client.query({ name: "divide", text, values: [by] });
  assert.deepEqual((await divide(3)).rows, [{ n: 4 }]);
  assert.equal((await error(divide(0))).code, "22012");
  assert.deepEqual((await divide(4)).rows, [{ n: 3 }]);
});

test("errors have their fields", async () => {
  const duplicate = await error(client.query(`INSERT INTO ${counters} VALUES ($1, 0)`, [1]));
  const { severity, code, message, detail, schema, table, constraint } = duplicate;
  assert.deepEqual(
    { severity, code, message, detail, schema, table, constraint },
    {
      severity: "ERROR",
      code: "23505",
      message: `duplicate key value violates unique constraint "${counters}_pkey"`,
      detail: "Key (id)=(1) already exists.",
      schema: "public",
      table: counters,
      constraint: `${counters}_pkey`,
    },
  );
  const missing = await error(client.query("SELECT  nothing"));
  assert.deepEqual([missing.code, missing.position], ["42703", "9"]);
});

test("what Aurora DSQL does not have is refused in its words", async () => {
  const index = "unsupported mode. please use CREATE INDEX ASYNC.";
  for (const [text, code, message] of [
    [`TRUNCATE ${counters}`, "0A000", "unsupported statement: Truncate"],
    [`CREATE INDEX ON ${counters} (n)`, "0A000", index],
    ["CREATE TABLE t (id serial PRIMARY KEY)", "42704", 'type "serial" does not exist'],
    ["SAVEPOINT s", "0A000", "unsupported transaction statement: SAVEPOINT"],
  ]) {
    for (const query of [text, { text, values: [], name: unique("q") }]) {
      const refused = await error(client.query(query));
      assert.deepEqual([refused.code, refused.message], [code, message]);
    }
  }
});

test("DECLARE CURSOR is refused, and its transaction is over", async () => {
  await client.query("BEGIN");
  const { code, message } = await error(client.query("DECLARE c CURSOR FOR SELECT 1"));
  assert.deepEqual([code, message], ["0A000", "unsupported statement: DeclareCursor"]);
  assert.equal((await error(client.query("SELECT 1"))).code, "25P02");
  assert.equal((await client.query("COMMIT")).command, "ROLLBACK");
});

test("a portal gives its rows in parts", async () => {
  const cursor = client.query(new Cursor("SELECT generate_series(1, $1::int) AS n", [5]));
  assert.deepEqual(await cursor.read(2), [{ n: 1 }, { n: 2 }]);
  assert.deepEqual(await cursor.read(2), [{ n: 3 }, { n: 4 }]);
  await cursor.close();
  assert.equal((await client.query("SELECT 1")).rowCount, 1);
});

test("of two transactions on one row one commits, and the other is run again", async (t) => {
  const other = await connected(t);
  const increase = (client) => client.query(`UPDATE ${counters} SET n = n + 1 WHERE id = 1`);
  let first = true;
  const times = await retried(async () => {
    await client.query("BEGIN");
    try {
      await client.query(`SELECT n FROM ${counters} WHERE id = 1`);
      if (first) await increase(other);
      first = false;
      await increase(client);
      await client.query("COMMIT");
    } catch (error) {
      assert.match(error.message, /\(OC000\)/);
      await client.query("ROLLBACK");
      throw error;
    }
  });
  assert.equal(times, 2);
  const { rows } = await client.query(`SELECT n FROM ${counters} WHERE id = 1`);
  assert.deepEqual(rows, [{ n: "2" }]);
});

test("a pool makes a token for every connection", async (t) => {
  let tokens = 0;
  const pool = new pg.Pool({ ...options, max: 3, password: () => (tokens++, token()) });
  t.after(() => pool.end());
  const numbers = Array.from({ length: 30 }, (_, n) => n);
  const sums = await Promise.all(numbers.map((n) => pool.query("SELECT $1::int + 1 AS n", [n])));
  assert.deepEqual(sums.map(({ rows }) => rows[0].n), numbers.map((n) => n + 1));
  assert.equal(tokens, 3);
});

test("a large result arrives", async () => {
  const { rows } = await client.query({
    text: "SELECT n, repeat('x', 200) FROM generate_series(1, 50000) n",
    rowMode: "array",
  });
  assert.equal(rows.length, 50_000);
  assert.deepEqual(rows.at(-1), [50_000, "x".repeat(200)]);
});

test("COPY goes both ways", async () => {
  const table = unique("copied");
  await client.query(`CREATE TABLE ${table} (id int PRIMARY KEY, name text)`);
  const lines = Array.from({ length: 500 }, (_, n) => `${n}\tname ${n}\n`).join("");
  await new Promise((done, failed) => {
    const into = client.query(copy.from(`COPY ${table} FROM STDIN`));
    into.on("finish", done).on("error", failed).end(lines);
  });
  let found = "";
  const out = client.query(copy.to(`COPY (SELECT * FROM ${table} ORDER BY id) TO STDOUT`));
  for await (const part of out) found += part;
  assert.equal(found, lines);
});

test("the statements of one query answer one by one", async () => {
  const results = await client.query("SELECT 1 AS one; SELECT 2 AS two");
  assert.deepEqual(results.map(({ rows }) => rows), [[{ one: 1 }], [{ two: 2 }]]);
});

test("an asynchronous index gives the id of its job", async () => {
  const { command, rows } = await client.query(`CREATE INDEX ASYNC ON ${counters} (n)`);
  assert.equal(command, "CREATE");
  const [{ job_id: job }] = rows;
  assert.match(job, /^[a-z2-7]{26}$/);
  assert.equal((await client.query("CALL sys.wait_for_job($1)", [job])).command, "CALL");
  const { rows: jobs } = await client.query("SELECT status FROM sys.jobs WHERE job_id = $1", [job]);
  assert.deepEqual(jobs, [{ status: "completed" }]);
});

// postgres.js, which sends several statements at once and prepares everything.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import postgres from "postgres";
import { host, port, token, unique } from "./cluster.mjs";

const numbers = unique("numbers");
let sql;

before(async () => {
  sql = connect();
  await sql`CREATE TABLE ${sql(numbers)} (id int PRIMARY KEY, name text)`;
});

after(() => sql.end());

/** What a user writes; the authority is in NODE_EXTRA_CA_CERTS. */
function connect(others = {}) {
  return postgres({
    host,
    port,
    user: "admin",
    database: "postgres",
    password: token,
    ssl: true,
    max: 2,
    onnotice: () => {},
    ...others,
  });
}

test("statements have parameters, and rows have types", async () => {
  const rows = [{ id: 1, name: "one" }, { id: 2, name: null }];
  const inserted = await sql`INSERT INTO ${sql(numbers)} ${sql(rows)} RETURNING *`;
  assert.deepEqual([...inserted], rows);
  const found = await sql`SELECT name FROM ${sql(numbers)} WHERE id = ANY(${[1]})`;
  assert.deepEqual([...found], [{ name: "one" }]);
  const [{ at, list, none }] = await sql`
    SELECT ${new Date(0)}::timestamptz AS at, ${[1, 2]}::int[] AS list, ${null}::text AS none`;
  assert.deepEqual({ at, list, none }, { at: new Date(0), list: [1, 2], none: null });
});

test("many statements are under way at once", async () => {
  const sums = await Promise.all(
    Array.from({ length: 200 }, (_, n) => sql`SELECT ${n}::int + 1 AS n`),
  );
  assert.deepEqual(sums.map(([{ n }]) => n), Array.from({ length: 200 }, (_, n) => n + 1));
});

test("a statement that is refused harms none of its neighbours", async () => {
  const [before, refused, behind] = await Promise.allSettled([
    sql`SELECT 1 AS n`,
    sql`TRUNCATE ${sql(numbers)}`,
    sql`SELECT 2 AS n`,
  ]);
  assert.deepEqual([...before.value], [{ n: 1 }]);
  const { code, message } = refused.reason;
  assert.deepEqual([code, message], ["0A000", "unsupported statement: Truncate"]);
  assert.deepEqual([...behind.value], [{ n: 2 }]);
});

test("a transaction whose function fails leaves nothing", async () => {
  await assert.rejects(
    sql.begin(async (sql) => {
      await sql`INSERT INTO ${sql(numbers)} VALUES (10, 'ten')`;
      throw new Error("enough");
    }),
    /enough/,
  );
  assert.deepEqual([...(await sql`SELECT id FROM ${sql(numbers)} WHERE id = 10`)], []);
  await sql.begin((sql) => sql`INSERT INTO ${sql(numbers)} VALUES (11, 'eleven')`);
  assert.equal((await sql`SELECT id FROM ${sql(numbers)} WHERE id = 11`).count, 1);
});

test("savepoints are refused", async () => {
  await assert.rejects(
    sql.begin((sql) => sql.savepoint((sql) => sql`SELECT 1`)),
    { code: "0A000", message: "unsupported transaction statement: SAVEPOINT" },
  );
});

test("rows come in parts", async () => {
  const sizes = [];
  await sql`SELECT generate_series(1, 10) AS n`.cursor(4, (rows) => {
    sizes.push(rows.length);
  });
  assert.deepEqual(sizes, [4, 4, 2]);
});

test("a statement can be cancelled", async () => {
  const query = sql`SELECT pg_sleep(30)`.execute();
  setTimeout(() => query.cancel(), 300);
  await assert.rejects(query, { code: "57014" });
  assert.equal((await sql`SELECT 1 AS n`)[0].n, 1);
});

test("COPY goes both ways", async () => {
  const into = await sql`COPY ${sql(numbers)} FROM STDIN`.writable();
  await new Promise((done, failed) => {
    into.on("finish", done).on("error", failed).end("20\ttwenty\n21\t\\N\n");
  });
  let found = "";
  const rows = sql`SELECT * FROM ${sql(numbers)} WHERE id >= 20 ORDER BY id`;
  const out = await sql`COPY (${rows}) TO STDOUT`.readable();
  for await (const part of out) found += part;
  assert.equal(found, "20\ttwenty\n21\t\\N\n");
});

test("TLS may begin at once", async (t) => {
  const direct = connect({ sslnegotiation: "direct" });
  t.after(() => direct.end());
  assert.equal((await direct`SELECT current_user AS who`)[0].who, "admin");
});

test("a refused login has a code and a reason", async (t) => {
  const other = connect({ user: "app" });
  t.after(() => other.end());
  await assert.rejects(other`SELECT 1`, {
    severity: "FATAL",
    code: "08006",
    message: "unable to accept connection, access denied",
    hint: "Wrong user to action mapping. user: app, action: DbConnectAdmin",
  });
});

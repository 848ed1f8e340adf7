// AWS's connector for node-postgres, which makes the tokens itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuroraDSQLClient, AuroraDSQLPool } from "@aws/aurora-dsql-node-postgres-connector";
import { caller, host, port, unique } from "./cluster.mjs";

const admin = { host, port, user: "admin" };

/** A connection that ends with the test `t`. */
async function connected(t, options) {
  const client = new AuroraDSQLClient(options);
  t.after(() => client.end());
  await client.connect();
  return client;
}

test("a client needs a host and a user", async (t) => {
  const client = await connected(t, admin);
  const { rows } = await client.query("SELECT current_user, current_database()");
  assert.deepEqual(rows, [{ current_user: "admin", current_database: "postgres" }]);
});

test("a client takes a connection string", async (t) => {
  const url = `postgresql://admin@${host}:${port}/postgres?sslnegotiation=direct`;
  const client = await connected(t, url);
  assert.equal((await client.query("SELECT 1")).rowCount, 1);
});

test("a pool has clients, and they have transactions", async (t) => {
  const pool = new AuroraDSQLPool({ ...admin, max: 3 });
  t.after(() => pool.end());
  const table = unique("pooled");
  await pool.query(`CREATE TABLE ${table} (id int PRIMARY KEY)`);
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const client = await pool.connect();
      try {
        await client.query("BEGIN");
        await client.query(`INSERT INTO ${table} VALUES ($1)`, [n]);
        await client.query(n % 2 ? "COMMIT" : "ROLLBACK");
      } finally {
        client.release();
      }
    }),
  );
  const { rows } = await pool.query(`SELECT count(*)::int AS n FROM ${table}`);
  assert.deepEqual(rows, [{ n: 10 }]);
});

test("a role needs a grant to the caller", async (t) => {
  const client = await connected(t, admin);
  const role = unique("role");
  const login = async () => {
    const other = await connected(t, { ...admin, user: role });
    return (await other.query("SELECT current_user AS who")).rows;
  };
  await client.query(`CREATE ROLE ${role} WITH LOGIN`);
  await assert.rejects(login, {
    code: "08006",
    hint: `The database role ${role} is not granted to ${caller}: see AWS IAM GRANT.`,
  });
  await client.query(`AWS IAM GRANT ${role} TO '${caller}'`);
  assert.deepEqual(await login(), [{ who: role }]);
  await client.query(`AWS IAM REVOKE ${role} FROM '${caller}'`);
  await assert.rejects(login, { code: "08006" });
});

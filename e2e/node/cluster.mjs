// The cluster that pytest has made, and tokens for it.

import { DsqlSigner } from "@aws-sdk/dsql-signer";

export const host = process.env.CLUSTER_HOST;
export const port = Number(process.env.CLUSTER_PORT);
/** The ARN of whom the access key belongs to. */
export const caller = process.env.CALLER;

const signer = new DsqlSigner({ hostname: host });

/** A token for `admin`, by the credentials and the Region of the environment. */
export const token = () => signer.getDbConnectAdminAuthToken();

/** A name that no other test has. */
export const unique = (prefix) => `${prefix}_${Math.random().toString(36).slice(2, 10)}`;

/** Runs `transaction` until it no longer conflicts with others; gives how often it ran. */
export async function retried(transaction) {
  for (let times = 1; ; times++) {
    try {
      await transaction();
      return times;
    } catch (error) {
      if (error.code !== "40001" || times === 10) throw error;
    }
  }
}

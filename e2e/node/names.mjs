// Resolves the host names of clusters to the server, as a line of /etc/hosts would.
// For `node --import`: the clients stay as they are.

import dns from "node:dns";

const { lookup } = dns;

dns.lookup = (name, ...rest) =>
  lookup(name.endsWith(".on.aws") ? "127.0.0.1" : name, ...rest);

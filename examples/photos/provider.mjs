// An OpenID provider for development: it knows three people and lets in whoever gives a name.
//
//   node provider.mjs http://127.0.0.1:3000 [--keys FILE] [--seconds N]
//
// FILE holds private keys as a JWK set; without it there is a new RS256 key at each start. A key
// signs for the client `photos-<alg>`, the first one also for `photos`. Tokens live N seconds.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import Provider from 'oidc-provider';

const { positionals: [issuer], values: { keys, seconds } } = parseArgs({
  allowPositionals: true,
  options: { keys: { type: 'string' }, seconds: { type: 'string', default: '3600' } },
});

const PEOPLE = {
  ann: {
    name: 'Ann',
    email: 'ann@example.com',
    email_verified: true,
    groups: ['editors', 'staff'],
    department: 'art',
    level: 7,
    address: { country: 'NL', locality: 'Delft' },
  },
  bob: { name: 'Bob', email: 'bob@example.com', email_verified: false, groups: 'staff', level: 1 },
  // Many providers write a list as words.
  cleo: { name: 'Cleo', email: 'cleo@example.com', groups: 'guests staff' },
};

// The API that access tokens are for.
const API = 'https://photos.example';

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomBytes(8).toString('hex');
  return { ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid };
}

const jwks = keys ? JSON.parse(readFileSync(keys, 'utf8')) : { keys: [newKey()] };
const algorithms = [...new Set(jwks.keys.map((key) => key.alg))];
const [first] = algorithms;

function client(id, alg) {
  return {
    client_id: id,
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://127.0.0.1/signed-in'],
    id_token_signed_response_alg: alg,
  };
}

const lifetime = Number(seconds);
const provider = new Provider(issuer, {
  jwks,
  clients: [
    client('photos', first),
    ...algorithms.map((alg) => client(`photos-${alg}`, alg)),
    {
      // No person: a program that has a secret.
      client_id: 'backup',
      client_secret: 'only-for-development',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: first,
    },
  ],
  enabledJWA: { idTokenSigningAlgValues: algorithms },
  claims: {
    openid: ['sub'],
    profile: ['name', 'groups', 'department', 'level'],
    email: ['email', 'email_verified'],
    address: ['address'],
  },
  // Claims of scopes are in the ID token, not only at the user info endpoint.
  conformIdTokenClaims: false,
  findAccount: (_, id) => {
    const claims = PEOPLE[id];
    return claims && { accountId: id, claims: () => ({ sub: id, ...claims }) };
  },
  // Access tokens tell the groups as well.
  extraTokenClaims: (_, token) => ({ groups: PEOPLE[token.accountId]?.groups }),
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => API,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, __, { idTokenSignedResponseAlg: alg }) => ({
        audience: API,
        scope: 'photos:read photos:write',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg } },
      }),
    },
  },
  ttl: { AccessToken: lifetime, ClientCredentials: lifetime, IdToken: lifetime },
  cookies: { keys: [randomBytes(16).toString('hex')] },
});

const { hostname, port } = new URL(issuer);
provider.listen(Number(port), hostname, () => console.log(`provider ${issuer}`));

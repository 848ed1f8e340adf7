// Signs somebody in: authorization code with PKCE, the way a browser does it.
//
//   node sign-in.mjs ISSUER NAME [TOKEN] [--client ID] [--scope WORDS]
//
// prints TOKEN, `id_token` or `access_token`; without it, all that the provider gave.

import { createHash, randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';

const { positionals: [issuer, name, token], values: { client, scope } } = parseArgs({
  allowPositionals: true,
  options: {
    client: { type: 'string', default: 'photos' },
    scope: { type: 'string', default: 'openid profile email address photos:read' },
  },
});

const REDIRECT = 'http://127.0.0.1/signed-in';

const cookies = new Map();

/** One request as a browser makes it; gives the response and where it leads. */
async function visit(url, form) {
  const response = await fetch(url, {
    method: form ? 'POST' : 'GET',
    body: form && new URLSearchParams(form),
    headers: { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') },
    redirect: 'manual',
  });
  // Several cookies stand in one line; dates in them have commas as well.
  for (const line of response.headers.get('set-cookie')?.split(/, (?=[^;,=]+=)/) ?? []) {
    const [, key, value] = /^([^=]+)=([^;]*)/.exec(line);
    cookies.set(key, value);
  }
  const location = response.headers.get('location');
  if (!response.ok && !location) {
    throw new Error(`${response.status} from ${url}`);
  }
  return { response, next: location && new URL(location, url).href };
}

const found = await fetch(`${issuer}/.well-known/openid-configuration`);
const { authorization_endpoint: authorize, token_endpoint: exchange } = await found.json();

const verifier = randomBytes(32).toString('base64url');
const query = new URLSearchParams({
  client_id: client,
  response_type: 'code',
  redirect_uri: REDIRECT,
  scope,
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  code_challenge_method: 'S256',
});

let { next } = await visit(`${authorize}?${query}`);
while (!next.startsWith(REDIRECT)) {
  const { response, next: further } = await visit(next);
  if (further) {
    next = further;
    continue;
  }
  // A form: either who it is, or whether the application may know it.
  const [, prompt] = /name="prompt" value="(\w+)"/.exec(await response.text());
  ({ next } = await visit(next, { prompt, login: name, password: 'any' }));
}

const code = new URL(next).searchParams.get('code');
if (!code) {
  throw new Error(`no code: ${next}`);
}
const grant = { grant_type: 'authorization_code', code, client_id: client };
const { response } = await visit(exchange, { ...grant, code_verifier: verifier, redirect_uri: REDIRECT });
const tokens = await response.json();
console.log(token ? tokens[token] : JSON.stringify(tokens));

// An API that Express serves and Verified Permissions protects, with AWS's own middleware:
//
//   STORE=<policy store> node app.mjs PORT [accessToken|identityToken]
//
// The AWS SDK takes the endpoint and the access key from the environment: `treeline env` prints them.

import { readFileSync } from 'node:fs';

import cedar from '@cedar-policy/authorization-for-expressjs';
import avp from '@verifiedpermissions/authorization-clients-js';
import express from 'express';

const [port, token = 'accessToken'] = process.argv.slice(2);

const PHOTOS = new Map([
  ['beach', { title: 'Beach', owner: process.env.OWNER }],
  ['attic', { title: 'Attic', owner: 'somebody else' }],
]);

const authorization = new cedar.ExpressAuthorizationMiddleware({
  schema: {
    type: 'jsonString',
    schema: readFileSync(new URL('store/schema.json', import.meta.url), 'utf8'),
  },
  authorizationEngine: new avp.AVPAuthorizationEngine({
    policyStoreId: process.env.STORE,
    callType: token,
  }),
  principalConfiguration: { type: token },
  // Who may see a photo depends on the photo: the handler below asks.
  skippedEndpoints: [{ httpVerb: 'get', path: '/photos/:id' }],
  logger: { log: (text) => console.log(text) },
});

const photo = authorization.handlerSpecificMiddleware({
  resourceProvider: async (request) => {
    const { id } = request.params;
    const owner = { type: 'Photos::User', id: PHOTOS.get(id).owner };
    return { uid: { type: 'Photos::Photo', id }, attrs: { owner: { __entity: owner } }, parents: [] };
  },
});

const app = express();
app.use((request, response, next) =>
  request.headers.authorization ? next() : response.status(401).send('Sign in first'));
app.use(authorization.middleware);
app.get('/photos', (_, response) => response.json([...PHOTOS.keys()]));
app.post('/photos', (_, response) => response.status(201).json('uploaded'));
app.get('/photos/:id', photo, ({ params }, response) => response.json(PHOTOS.get(params.id).title));
app.listen(Number(port), '127.0.0.1', () => console.log(`photos http://127.0.0.1:${port}`));

// An authorization server made of @atproto/oauth-provider's documented options, with everything in memory.
//
// usage: node server.mjs SETTINGS
//   SETTINGS is a JSON file: {issuer, port, jwks, clients, users, dpop_seed}
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { JoseKey } from '@atproto/jwk-jose';
import { InvalidRequestError, Keyset, OAuthProvider, oauthMiddleware } from '@atproto/oauth-provider';

import Stores from './stores.mjs';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const audience = `did:web:${new URL(settings.issuer).hostname}`;
const stores = new Stores({
  users: settings.users,
  audience,
  InvalidRequest: InvalidRequestError,
});
const keys = await Promise.all(settings.jwks.keys.map((key) => JoseKey.fromJWK(key)));

const provider = new OAuthProvider({
  issuer: settings.issuer,
  keyset: new Keyset(keys),
  dpopSecret: new Uint8Array(createHash('sha256').update(settings.dpop_seed).digest()),
  store: stores,
  cookie: { secure: false },
  // A client's identifier is the URL of its metadata: that of the settings is served, nothing is fetched.
  safeFetch: async (input) => {
    const url = input.url ?? String(input);
    const client = settings.clients.find(({ client_id: id }) => id === url);
    return client ? Response.json(client) : new Response(null, { status: 404 });
  },
});

const oauth = oauthMiddleware(provider, {
  onError: (req, res, error, message) => console.error(`${message}: ${error?.stack ?? error}`),
});

// Some requests make the library throw where nobody catches it. They stay without an answer; the server lives on.
process.on('unhandledRejection', (error) => console.error('unhandled:', error));

createServer((req, res) => {
  oauth(req, res, (error) => {
    if (error) console.error(error);
    res.writeHead(error ? 500 : 404).end();
  });
}).listen(settings.port, '127.0.0.1', () => console.log(`ready: ${settings.issuer}`));

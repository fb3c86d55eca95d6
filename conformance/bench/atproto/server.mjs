// An authorization server made of @atproto/oauth-provider's documented options, with everything in memory.
//
// usage: node server.mjs SETTINGS
//   SETTINGS is a JSON file: {issuer, port, jwks, clients, users, dpop_seed}
//
// Its sign-in page is an application that needs a browser. Two routes of ours open a session and give consent over
// plain JSON instead, by the same methods that the page's own calls end in:
//   POST /bench/login    {username, password}      the device that the cookies tell is signed in
//   POST /bench/consent  {client_id, scope}        whoever is signed in there lets the client have the scope
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
  // A public client that is not trusted must ask for consent every time, on a page that needs a browser.
  getClientInfo: () => ({ isTrusted: true }),
});

async function body(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

async function login(req, res) {
  const { username, password } = await body(req);
  const { deviceId, deviceMetadata } = await provider.deviceManager.load(req, res);
  const credentials = { username, password, locale: 'en' };
  const account = await provider.accountManager.authenticateAccount(deviceId, deviceMetadata, credentials);
  await provider.accountManager.upsertDeviceAccount(deviceId, account.sub);
}

async function consent(req, res) {
  const { client_id: clientId, scope } = await body(req);
  const { deviceId } = await provider.deviceManager.load(req, res);
  for (const { account } of await provider.accountManager.listDeviceAccounts(deviceId)) {
    await stores.setAuthorizedClient(account.sub, clientId, { authorizedScopes: scope.split(' ') });
  }
}

const own = new Map([
  ['/bench/login', login],
  ['/bench/consent', consent],
]);
const oauth = oauthMiddleware(provider, {
  onError: (req, res, error, message) => console.error(`${message}: ${error?.stack ?? error}`),
});

// Some requests make the library throw where nobody catches it. They stay without an answer; the server lives on.
process.on('unhandledRejection', (error) => console.error('unhandled:', error));

createServer((req, res) => {
  const ours = req.method === 'POST' && own.get(req.url);
  if (!ours) {
    oauth(req, res, (error) => {
      if (error) console.error(error);
      res.writeHead(error ? 500 : 404).end();
    });
    return;
  }
  ours(req, res).then(
    () => res.writeHead(204).end(),
    (error) => res.writeHead(error instanceof InvalidRequestError ? 403 : 500).end(String(error.message)),
  );
}).listen(settings.port, '127.0.0.1', () => console.log(`ready: ${settings.issuer}`));

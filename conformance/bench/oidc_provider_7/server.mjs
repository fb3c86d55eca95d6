// An authorization server made of the documented options of oidc-provider's version 7, with everything in memory.
//
// usage: node server.mjs SETTINGS
//   SETTINGS is a JSON file: {issuer, port, cookie_keys, jwks, clients, resource}
// switches (environment, "1" turns one on):
//   REQUIRE_PAR     every authorization request must have been pushed
//   REQUIRE_JAR     every authorization request must be a signed request object
//   REQUIRE_PKCE    every client must use PKCE, not the public ones alone
//   STRICT          parameters beside a request object are ignored; by default they fill in what it lacks
import { readFileSync } from 'node:fs';

import oidc from 'oidc-provider';

import Memory from './memory.mjs';

const { Provider, errors } = oidc;
const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const on = (name) => process.env[name] === '1';

const provider = new Provider(settings.issuer, {
  adapter: Memory,
  clients: settings.clients,
  jwks: settings.jwks,
  cookies: { keys: settings.cookie_keys },
  responseTypes: ['code'],
  scopes: ['openid', 'offline_access', 'admin'],
  claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
  pkce: {
    methods: ['S256'],
    required: (ctx, client) => on('REQUIRE_PKCE') || client.tokenEndpointAuthMethod === 'none',
  },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: id, email: `${id}@users.example` }),
  }),
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
  clientBasedCORS: (ctx, origin, client) => client.redirectUris.some((uri) => new URL(uri).origin === origin),
  features: {
    devInteractions: { enabled: true },
    pushedAuthorizationRequests: {
      enabled: true,
      requirePushedAuthorizationRequests: on('REQUIRE_PAR'),
    },
    requestObjects: {
      request: true,
      requestUri: false, // nothing is fetched by this server
      requireSignedRequestObject: on('REQUIRE_JAR'),
      mode: on('STRICT') ? 'strict' : 'lax',
    },
    encryption: { enabled: true },
    jwtResponseModes: { enabled: true },
    claimsParameter: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, indicator) => {
        if (indicator !== settings.resource) throw new errors.InvalidTarget();
        return { scope: 'accounts', audience: indicator, accessTokenFormat: 'opaque' };
      },
    },
  },
});

provider.on('server_error', (ctx, error) => console.error(ctx.method, ctx.path, error.stack));
provider.listen(settings.port, '127.0.0.1', () => console.log(`ready: ${settings.issuer}`));

// An authorization server made of oidc-provider's documented options, with everything in memory.
//
// usage: node server.mjs SETTINGS
//   SETTINGS is a JSON file: {issuer, port, cookie_keys, jwks, clients, resource, nonce_seed}
// switches (environment, "1" turns one on):
//   REQUIRE_PAR     every authorization request must have been pushed
//   REQUIRE_JAR     every authorization request must be a signed request object
//   REQUIRE_PKCE    every client must use PKCE, not the public ones alone
//   REQUIRE_NONCE   DPoP proofs must carry a nonce of the server
//   UNREGISTERED    confidential clients may push redirect URIs that they have not registered
//   FAPI            the FAPI 2.0 profile
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

import Provider, { errors } from 'oidc-provider';

import Memory from './memory.mjs';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const on = (name) => process.env[name] === '1';

/** A payment needs an amount and a creditor (the only type of authorization details here). */
function validatePayment(ctx, detail) {
  const { amount, currency, creditor, ...rest } = detail;
  const texts = [amount, currency, creditor].every((value) => typeof value === 'string' && value);
  if (!texts || !/^\d+(\.\d{1,2})?$/.test(amount)) {
    throw new errors.InvalidAuthorizationDetails('a payment needs amount, currency and creditor');
  }
  const unknown = Object.keys(rest).filter((name) => name !== 'type');
  if (unknown.length) {
    throw new errors.InvalidAuthorizationDetails('a payment has a member that is not known');
  }
}

/** The details that were asked for here, or `granted` if none were asked for. Never more than was granted. */
function detailsAskedFor(ctx, granted) {
  const { authorization_details: text } = ctx.oidc.params;
  const asked = text ? JSON.parse(text) : granted;
  return (asked ?? []).filter((detail) => granted?.some((other) => isDeepStrictEqual(other, detail)));
}

const provider = new Provider(settings.issuer, {
  adapter: Memory,
  clients: settings.clients,
  // RS256, the default of OpenID Connect, is not allowed by FAPI 2.0.
  clientDefaults: on('FAPI')
    ? { id_token_signed_response_alg: 'ES256', authorization_signed_response_alg: 'ES256' }
    : {},
  jwks: settings.jwks,
  cookies: { keys: settings.cookie_keys },
  responseTypes: ['code'],
  scopes: ['openid', 'offline_access', 'admin'],
  claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
  pkce: { required: (ctx, client) => on('REQUIRE_PKCE') || on('FAPI') || client.clientAuthMethod === 'none' },
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
      requirePushedAuthorizationRequests: on('REQUIRE_PAR') || on('FAPI'),
      allowUnregisteredRedirectUris: on('UNREGISTERED'),
    },
    requestObjects: { enabled: true, requireSignedRequestObject: on('REQUIRE_JAR') },
    encryption: { enabled: true },
    jwtResponseModes: { enabled: true },
    claimsParameter: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    dPoP: {
      enabled: true,
      // A server that offers nonces has to demand them (RFC 9449 section 11.3): without the switch there are none.
      nonceSecret: on('REQUIRE_NONCE') ? createHash('sha256').update(settings.nonce_seed).digest() : undefined,
      requireNonce: () => on('REQUIRE_NONCE'),
    },
    fapi: { enabled: on('FAPI'), profile: on('FAPI') ? '2.0' : undefined },
    resourceIndicators: {
      enabled: true,
      // A payment belongs to one resource, so a request for one need not name it.
      defaultResource: (ctx, client, oneOf) => {
        if (oneOf) return oneOf;
        return ctx.oidc.params.authorization_details ? settings.resource : undefined;
      },
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, indicator) => {
        if (indicator !== settings.resource) throw new errors.InvalidTarget();
        return { scope: 'accounts', audience: indicator, accessTokenFormat: 'opaque' };
      },
    },
    richAuthorizationRequests: {
      enabled: true,
      types: { payment: { validate: validatePayment } },
      authorizationDetailsForGrantSource: (ctx) => detailsAskedFor(ctx, ctx.oidc.entities.Grant.rar),
      authorizationDetailsForAccessToken: (ctx, token, source) => detailsAskedFor(ctx, source?.rar),
      authorizationDetailsForIntrospection: (ctx, token) => token.rar,
    },
  },
});

provider.on('server_error', (ctx, error) => console.error(ctx.method, ctx.path, error.stack));
provider.listen(settings.port, '127.0.0.1', () => console.log(`ready: ${settings.issuer}`));

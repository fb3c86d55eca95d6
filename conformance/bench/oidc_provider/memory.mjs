// The storage interface that oidc-provider documents for adapters, over Maps.
//
// The adapter that comes with the library forgets old entries under load, and drops expired ones by itself. Here an
// entry outlives its expiry by GRACE_MS, so that a request_uri that is refused late is refused by the library.

const GRACE_MS = 600_000;
const SWEEP_MS = 30_000;
const TOKENS = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

const entries = new Map(); // "Model:id" -> {payload, forget}
const uids = new Map(); // "Model:uid" -> "Model:id"
const grants = new Map(); // grantId -> keys of the tokens that it gave

function forget(key) {
  const payload = entries.get(key)?.payload;
  entries.delete(key);
  if (payload?.uid) uids.delete(`${key.split(':', 1)[0]}:${payload.uid}`);
  const siblings = grants.get(payload?.grantId);
  siblings?.delete(key);
  if (siblings?.size === 0) grants.delete(payload.grantId);
}

function sweep() {
  const now = Date.now();
  for (const [key, entry] of entries) {
    if (entry.forget < now) forget(key);
  }
}
setInterval(sweep, SWEEP_MS).unref();

export default class Memory {
  constructor(model) {
    this.model = model;
  }

  async upsert(id, payload, expiresIn) {
    const key = `${this.model}:${id}`;
    entries.set(key, { payload, forget: expiresIn ? Date.now() + expiresIn * 1000 + GRACE_MS : Infinity });
    if (payload.uid) uids.set(`${this.model}:${payload.uid}`, key);
    if (payload.grantId && TOKENS.has(this.model)) {
      if (!grants.has(payload.grantId)) grants.set(payload.grantId, new Set());
      grants.get(payload.grantId).add(key);
    }
  }

  async find(id) {
    return entries.get(`${this.model}:${id}`)?.payload;
  }

  async findByUid(uid) {
    return entries.get(uids.get(`${this.model}:${uid}`))?.payload;
  }

  async findByUserCode() {
    return undefined; // there is no device flow here
  }

  async consume(id) {
    const payload = await this.find(id);
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    forget(`${this.model}:${id}`);
  }

  async revokeByGrantId(grantId) {
    for (const key of grants.get(grantId) ?? []) forget(key);
  }
}

// The stores that @atproto/oauth-provider asks for, over Maps: accounts, devices, requests, tokens, lexicons.
// A request outlives its expiry here, so that one that is refused late is refused by the library.
import { timingSafeEqual } from 'node:crypto';

const SWEEP_MS = 60_000;
const GRACE_MS = 600_000;

const same = (one, other) => one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

export default class Stores {
  /** `InvalidRequest` is the library's error for wrong credentials; users are {handle, password}. */
  constructor({ users, audience, InvalidRequest }) {
    this.InvalidRequest = InvalidRequest;
    this.passwords = new Map(users.map(({ handle, password }) => [handle, password]));
    this.accounts = new Map(
      users.map(({ handle }) => [
        `did:web:${handle}`,
        { sub: `did:web:${handle}`, aud: audience, preferred_username: handle, name: handle },
      ]),
    );
    this.authorized = new Map([...this.accounts.keys()].map((sub) => [sub, new Map()]));
    this.devices = new Map();
    this.sessions = new Map(); // deviceId -> Map(sub -> {createdAt, updatedAt})
    this.requests = new Map();
    this.tokens = new Map();
    this.refreshes = new Map(); // refresh token, old or new -> token id
    this.lexicons = new Map();
    setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  sweep() {
    for (const [id, data] of this.requests) {
      if (data.expiresAt.getTime() + GRACE_MS < Date.now()) this.requests.delete(id);
    }
  }

  // accounts
  async createAccount() {
    throw new this.InvalidRequest('nobody can sign up here');
  }

  async authenticateAccount({ username, password }) {
    const known = this.passwords.get(username);
    if (known === undefined || !same(known, password)) throw new this.InvalidRequest('wrong credentials');
    return this.accounts.get(`did:web:${username}`);
  }

  async setAuthorizedClient(sub, clientId, data) {
    this.authorized.get(sub).set(clientId, data);
  }

  async getAccount(sub) {
    const account = this.accounts.get(sub);
    if (!account) throw new this.InvalidRequest('unknown account');
    return { account, authorizedClients: this.authorized.get(sub) };
  }

  async upsertDeviceAccount(deviceId, sub) {
    if (!this.sessions.has(deviceId)) this.sessions.set(deviceId, new Map());
    const now = new Date();
    const before = this.sessions.get(deviceId).get(sub);
    this.sessions.get(deviceId).set(sub, { createdAt: before?.createdAt ?? now, updatedAt: now });
  }

  deviceAccount(deviceId, sub) {
    const times = this.sessions.get(deviceId)?.get(sub);
    if (!times) return null;
    return {
      deviceId,
      deviceData: this.devices.get(deviceId),
      account: this.accounts.get(sub),
      authorizedClients: this.authorized.get(sub),
      ...times,
    };
  }

  async getDeviceAccount(deviceId, sub) {
    return this.deviceAccount(deviceId, sub);
  }

  async removeDeviceAccount(deviceId, sub) {
    this.sessions.get(deviceId)?.delete(sub);
  }

  async listDeviceAccounts({ sub, deviceId }) {
    const devices = deviceId ? [deviceId] : [...this.sessions.keys()];
    const subs = sub ? [sub] : [...this.accounts.keys()];
    return devices.flatMap((device) => subs.map((one) => this.deviceAccount(device, one)).filter(Boolean));
  }

  async resetPasswordRequest() {
    return null;
  }

  async resetPasswordConfirm() {
    return null;
  }

  async verifyHandleAvailability() {
    throw new this.InvalidRequest('nobody can sign up here');
  }

  // devices
  async createDevice(deviceId, data) {
    this.devices.set(deviceId, data);
  }

  async readDevice(deviceId) {
    return this.devices.get(deviceId) ?? null;
  }

  async updateDevice(deviceId, data) {
    this.devices.set(deviceId, { ...this.devices.get(deviceId), ...data });
  }

  async deleteDevice(deviceId) {
    this.devices.delete(deviceId);
    this.sessions.delete(deviceId);
  }

  // requests
  async createRequest(id, data) {
    this.requests.set(id, data);
  }

  async readRequest(id) {
    return this.requests.get(id) ?? null;
  }

  async updateRequest(id, data) {
    if (!this.requests.has(id)) throw new Error('unknown request');
    this.requests.set(id, { ...this.requests.get(id), ...data });
  }

  async deleteRequest(id) {
    this.requests.delete(id);
  }

  async consumeRequestCode(code) {
    for (const [requestId, data] of this.requests) {
      if (data.code === code) {
        this.requests.delete(requestId);
        return { requestId, data };
      }
    }
    return null;
  }

  // tokens
  info(id) {
    const token = this.tokens.get(id);
    if (!token) return null;
    return { id, data: token.data, account: this.accounts.get(token.data.sub), currentRefreshToken: token.refresh };
  }

  async createToken(id, data, refresh) {
    this.tokens.set(id, { data, refresh: refresh ?? null });
    if (refresh) this.refreshes.set(refresh, id);
  }

  async readToken(id) {
    return this.info(id);
  }

  async deleteToken(id) {
    this.tokens.delete(id);
    for (const [refresh, token] of this.refreshes) {
      if (token === id) this.refreshes.delete(refresh);
    }
  }

  async rotateToken(id, newId, newRefresh, newData) {
    const { data } = this.tokens.get(id);
    this.tokens.delete(id);
    this.tokens.set(newId, { data: { ...data, ...newData }, refresh: newRefresh });
    for (const [refresh, token] of this.refreshes) {
      if (token === id) this.refreshes.set(refresh, newId);
    }
    this.refreshes.set(newRefresh, newId);
  }

  async findTokenByRefreshToken(refresh) {
    return this.info(this.refreshes.get(refresh));
  }

  async findTokenByCode(code) {
    for (const [id, { data }] of this.tokens) {
      if (data.code === code) return this.info(id);
    }
    return null;
  }

  async listAccountTokens(sub) {
    return [...this.tokens].filter(([, { data }]) => data.sub === sub).map(([id]) => this.info(id));
  }

  // lexicons
  async findLexicon(nsid) {
    return this.lexicons.get(nsid) ?? null;
  }

  async storeLexicon(nsid, data) {
    this.lexicons.set(nsid, data);
  }

  async deleteLexicon(nsid) {
    this.lexicons.delete(nsid);
  }
}

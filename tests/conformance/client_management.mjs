// One server of a running Sluice, by its management API: added, watched, authorized as a user with a browser does it, and removed.
import { setTimeout as sleep } from 'node:timers/promises';

const SETTLE_MS_MAX = 20_000;
const WANT_MS_MAX = 3000;  // from a refused call to the state that tells it
const POLL_MS = 100;
const REDIRECTS_MAX = 10;
const METADATA_DOCUMENT = 'https://conformance-test.local/client-metadata.json';  // the client id that the suite expects

export class Management {
  constructor({ url, key, name, say }) {
    Object.assign(this, { url, key, name, say });
  }

  async call(method, path, body) {
    const response = await fetch(`${this.url}${path}`, {
      method, headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) this.say(`${method} ${path}`, { status: response.status, text });
    return { ok: response.ok, headers: response.headers, body: text ? JSON.parse(text) : {} };
  }

  async add({ serverUrl, oauth, context }) {
    const added = await this.call('POST', '/api/mcp/client', {
      name: this.name, connection_type: 'http', connection_string: serverUrl, prefix: '', tools_to_execute: ['*'],
      allowed_private_networks: ['127.0.0.0/8', '::1/128'],
      ...(oauth && { auth_type: 'oauth', oauth_config: this.oauthConfig(context) }),
    });
    if (!added.ok) process.exit(1);
  }

  oauthConfig({ client_id, client_secret, issuer }) {
    return client_id ? { client_id, client_secret, issuer } : { client_metadata_url: METADATA_DOCUMENT };
  }

  async find() {
    const { body } = await this.call('GET', `/api/mcp/clients?search=${this.name}`);
    return body.clients?.find(({ config }) => config.name === this.name);
  }

  // Whether it is connected, once it is that or waits for its user.
  async connected() {
    for (const end = Date.now() + SETTLE_MS_MAX; Date.now() < end; await sleep(POLL_MS)) {
      const found = await this.find();
      if (found?.state === 'connected' || this.waitsForUser(found)) {
        this.say('state', { state: found.state, last_failure: found.last_failure, protocol_version: found.protocol_version });
        return found.state === 'connected';
      }
    }
    this.say('state', await this.find() ?? null);
    return false;
  }

  // Since before the last authorization does not count: that is on its way.
  waitsForUser(found) {
    return found?.last_failure?.stage === 'authorize' && found.state !== 'connecting' && found.state_since_unix_ms !== this.authorized;
  }

  async wantsAuthorization() {
    for (const end = Date.now() + WANT_MS_MAX; Date.now() < end; await sleep(POLL_MS)) {
      if (this.waitsForUser(await this.find())) return true;
    }
    return false;
  }

  // Whether the authorization came to its end at the gateway's callback.
  async authorize() {
    const { config, state_since_unix_ms } = await this.find();
    this.authorized = state_since_unix_ms;
    const begun = await this.call('POST', `/api/mcp/client/${config.client_id}/authorize`, {});
    if (!begun.ok) return false;
    const cookie = begun.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
    let at = begun.body.authorization_url;
    for (let hops = 0; hops < REDIRECTS_MAX; hops += 1) {
      const response = await fetch(at, { redirect: 'manual', headers: at.startsWith(this.url) && cookie ? { cookie } : {} });
      const next = response.headers.get('location');
      this.say('browser', { at, status: response.status, ...(!next && { text: await response.text() }) });
      if (!next) return response.ok;
      at = new URL(next, at).href;
    }
    return false;
  }

  async remove() {
    const found = await this.find();
    if (found) await this.call('DELETE', `/api/mcp/client/${found.config.client_id}`);
  }
}

// Drives the emulator with Google's own Node client, unchanged but for its endpoints.
// Usage: google_client.mjs URL ADMIN < key.json. Exits 0 if everything is as live Google would do it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { admin } from '@googleapis/admin';
import { gmail } from '@googleapis/gmail';
import { JWT } from 'google-auth-library';

const [url, adminEmail] = process.argv.slice(2);
const key = JSON.parse(readFileSync(0, 'utf8'));
const scope = (name) => `https://www.googleapis.com/auth/${name}`;

// The client hard-codes Google's token endpoint: the request is redirected on its way out.
function auth(subject, ...scopes) {
  const jwt = new JWT({ email: key.client_email, key: key.private_key, subject, scopes: scopes.map(scope) });
  jwt.transporter.interceptors.request.add({
    resolved: async (config) => {
      if (new URL(config.url).hostname.endsWith('googleapis.com')) config.url = new URL(`${url}/token`);
      return config;
    },
  });
  return jwt;
}

const mail = (user, ...scopes) =>
  gmail({ version: 'v1', auth: auth(user, ...scopes), rootUrl: `${url}/` }).users;
const control = async (method, path, body) => {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(url + path, { method, headers, body: body && JSON.stringify(body) })).json();
};

const directory = admin({
  version: 'directory_v1',
  auth: auth(adminEmail, 'admin.directory.domain.readonly', 'admin.directory.user.readonly'),
  rootUrl: `${url}/`,
});
const domains = (await directory.domains.list({ customer: 'my_customer' })).data.domains;
const truth = await control('GET', '/_admin/truth?query=meeting&maxResults=10');
assert.deepEqual(domains.map((d) => d.domainName), truth.domains.map((d) => d.domain));

let total = 0;
for (const domain of truth.domains) {
  const emails = [];
  let pageToken;
  do {
    const { data } = await directory.users.list({ domain: domain.domain, maxResults: 6, pageToken });
    emails.push(...(data.users ?? []).map((user) => user.primaryEmail));
    pageToken = data.nextPageToken;
  } while (pageToken);
  assert.deepEqual(emails, domain.users.map((user) => user.email));
  for (const user of domain.users) {
    const { messages } = mail(user.email, 'gmail.readonly');
    const { data } = await messages.list({ userId: user.email, q: 'meeting', maxResults: 10 });
    assert.deepEqual((data.messages ?? []).map((m) => m.id), user.messageIds);
    total += user.messageIds.length;
  }
}
assert.equal(total, truth.summary.totalMessagesFound);
assert.ok(total > 0);

const user = truth.domains[0].users.find((u) => u.messageCount > 0);
const { messages } = mail(user.email, 'gmail.readonly');
const get = async (more) => (await messages.get({ userId: user.email, id: user.messageIds[0], ...more })).data;
const metadata = await get({ format: 'metadata', metadataHeaders: ['Subject', 'From'] });
assert.ok(metadata.payload.headers.every((h) => /^(subject|from)$/i.test(h.name)));
assert.ok((await get({ format: 'full' })).payload.mimeType && (await get({ format: 'raw' })).raw);
assert.equal((await get({ format: 'minimal' })).payload, undefined);

// gaxios retries GET on 429 and 5xx by itself.
await control('DELETE', '/_admin/requests');
await control('POST', '/_admin/faults', { match: { method: 'gmail.users.messages.get' }, status: 503 });
assert.equal((await get({})).id, user.messageIds[0]);
const log = (await control('GET', '/_admin/requests')).requests;
assert.deepEqual(log.map((line) => line.status), [503, 200]);

await assert.rejects(messages.get({ userId: 'a/b@x.example', id: '1' }), (error) => {
  assert.equal(Number(error.code ?? error.status), 403);
  assert.match(error.message, /^Delegation denied for /);
  return true;
});
await assert.rejects(mail('nobody@alpha.example', 'gmail.readonly').getProfile({ userId: 'me' }), /invalid_grant/);
console.log(`ok: ${total} messages listed`);

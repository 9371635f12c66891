// The MCP server of the conformance tests: fixture_surface.mjs in one era or in both, over stdio or over Streamable HTTP at /mcp.
// Usage: fixture_server.mjs (--stdio | PORT) [--era legacy|modern|dual] [--surface FILE]. Over HTTP it prints the port once it listens.
// FILE, beside this one, offers something else than fixture_surface.mjs.
import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { parseArgs } from 'node:util';
import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node';
import { WebStandardStreamableHTTPServerTransport, createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';

const SESSIONS_MAX = 1000;  // of the legacy era; the oldest gives way
const EVENTS_MAX = 1000;  // kept per session for clients that come back
const RETRY_MS = 500;  // what a client is told to wait before it does

// Events of one session for clients that reconnect with Last-Event-ID.
class Events {
  constructor() {
    this.kept = [];
    this.count = 0;
  }

  async storeEvent(stream, message) {
    const id = `${stream}_${++this.count}`;
    this.kept.push({ id, stream, message });
    this.kept.splice(0, this.kept.length - EVENTS_MAX);
    return id;
  }

  async replayEventsAfter(last, { send }) {
    const from = this.kept.findIndex((event) => event.id === last);
    if (from < 0) throw new Error(`event ${last} is not kept`);
    const { stream } = this.kept[from];
    for (const { id, stream: of, message } of this.kept.slice(from + 1)) {
      if (of === stream && Object.keys(message).length > 0) await send(id, message);
    }
    return stream;
  }
}

// Requests of the legacy era, with sessions.
function legacyHandler() {
  const sessions = new Map();
  const open = async () => {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        if (sessions.size >= SESSIONS_MAX) sessions.values().next().value.close();
        sessions.set(id, transport);
      },
      eventStore: new Events(),
      retryInterval: RETRY_MS,
    });
    transport.onclose = () => sessions.delete(transport.sessionId);
    await createServer({ era: 'legacy' }).connect(transport);
    return transport;
  };
  return async (request) => {
    const id = request.headers.get('mcp-session-id');
    if (id !== null && !sessions.has(id)) {
      return Response.json({ jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } }, { status: 404 });
    }
    return (sessions.get(id) ?? await open()).handleRequest(request);
  };
}

function httpHandler(era) {
  const legacy = legacyHandler();
  const modern = createMcpHandler((context) => createServer({ era: context.era, changes: modern.notify }), { legacy: 'reject' });
  const dual = async (request) => await isLegacyRequest(request) ? legacy(request) : modern.fetch(request);
  return toNodeHandler({ fetch: { legacy, modern: modern.fetch, dual }[era] }, { onerror: (error) => console.error(error) });
}

function serveHttp(port, era) {
  const validHost = localhostHostValidation();
  const validOrigin = localhostOriginValidation();
  const handle = httpHandler(era);
  const server = createHttpServer((req, res) => {
    if (!validHost(req, res) || !validOrigin(req, res)) return;
    if (new URL(req.url, 'http://localhost').pathname === '/mcp') handle(req, res);
    else res.writeHead(404).end();
  });
  server.listen(port, '127.0.0.1', () => console.log(server.address().port));
}

function serveProcess(era) {
  if (era === 'legacy') return createServer({ era }).connect(new StdioServerTransport());
  return serveStdio(createServer, { legacy: era === 'dual' ? 'serve' : 'reject', onerror: (error) => console.error(error) });
}

const { values, positionals } = parseArgs({
  options: {
    stdio: { type: 'boolean' }, era: { type: 'string', default: 'dual' }, surface: { type: 'string', default: 'fixture_surface.mjs' },
  },
  allowPositionals: true,
});
if (!['legacy', 'modern', 'dual'].includes(values.era) || Boolean(values.stdio) === (positionals.length === 1)) {
  console.error('usage: fixture_server.mjs (--stdio | PORT) [--era legacy|modern|dual] [--surface FILE]');
  process.exit(2);
}
const { createServer } = await import(`./${values.surface}`);
values.stdio ? serveProcess(values.era) : serveHttp(Number(positionals[0]), values.era);

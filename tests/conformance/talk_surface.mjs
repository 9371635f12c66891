// A server that talks back, for tests of clients: it asks in the middle of a call, logs, reports progress, tells of a changed resource,
// and remembers which calls were cancelled. Written once for both eras, as fixture_surface.mjs is.
import { McpServer, acceptedContent, fromJsonSchema, inputRequired, inputResponse } from '@modelcontextprotocol/server';
import { z } from 'zod';

const WAIT_MS_MAX = 30_000;
const ended = new Map();  // name of a wait -> "open", "cancelled" or "done"
const rests = new Map();  // name -> how often
let edition = 1;  // of the page
const text = (value) => ({ content: [{ type: 'text', text: value }] });
const object = (properties) => ({ type: 'object', properties, required: Object.keys(properties) });
const string = { type: 'string' };

// Until the client cancels the call.
async function wait({ name }, ctx) {
  const { signal, _meta, notify } = ctx.mcpReq;
  ended.set(name, 'open');
  const progressToken = _meta?.progressToken;
  if (progressToken !== undefined) await notify({ method: 'notifications/progress', params: { progressToken, progress: 1, total: 2 } });
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, WAIT_MS_MAX);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
  ended.set(name, signal.aborted ? 'cancelled' : 'done');
  return text(ended.get(name));
}

// Says that it began, and takes its time; how often it did is part of the answer.
async function rest({ name, ms }, ctx) {
  rests.set(name, (rests.get(name) ?? 0) + 1);
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken !== undefined) await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1, total: 2 } });
  await new Promise((resolve) => { setTimeout(resolve, ms); });
  return text(`rested ${rests.get(name)} time(s)`);
}

function ask({ question }, ctx) {
  const given = acceptedContent(ctx.mcpReq.inputResponses, 'form', z.object({ colour: z.string() }));
  if (given) return text(`The colour is ${given.colour}.`);
  const answer = inputResponse(ctx.mcpReq.inputResponses, 'form');
  if (answer.kind === 'elicit') return text(`No colour: ${answer.action}.`);
  return inputRequired({
    inputRequests: { form: inputRequired.elicit({ mode: 'form', message: question, requestedSchema: object({ colour: string }) }) },
  });
}

function think({ prompt }, ctx) {
  const answer = inputResponse(ctx.mcpReq.inputResponses, 'model');
  if (answer.kind === 'sampling') return text(`The model says: ${[answer.result.content].flat().map((part) => part.text).join('')}`);
  const messages = [{ role: 'user', content: { type: 'text', text: prompt } }];
  return inputRequired({ inputRequests: { model: inputRequired.createMessage({ messages, maxTokens: 20 }) } });
}

async function tell(_, ctx) {
  for (const level of ['debug', 'warning', 'error']) await ctx.mcpReq.log(level, `a word at level ${level}`);
  return text('told');
}

export function createServer({ era, changes }) {
  const legacy = era === 'legacy';
  const page = `talk://${era}/page`;
  const server = new McpServer({ name: 'sluice-talk-fixture', version: '1' }, {
    capabilities: { tools: {}, resources: { subscribe: true }, logging: {} },
  });
  const tool = (name, properties, call) =>
    server.registerTool(name, { description: `Tool ${name}`, inputSchema: fromJsonSchema(object(properties)) }, call);
  const watchers = new Set();  // URIs that a legacy client subscribed to
  tool('wait', { name: string }, wait);
  tool('ended', { name: string }, ({ name }) => text(ended.get(name) ?? 'never begun'));
  tool('rest', { name: string, ms: { type: 'integer' } }, rest);
  tool('ask', { question: string }, ask);
  tool('think', { prompt: string }, think);
  tool('tell', {}, tell);
  tool('edit', {}, async () => {
    edition += 1;
    if (!legacy) changes?.resourceUpdated(page);
    else if (watchers.has(page)) await server.server.sendResourceUpdated({ uri: page });
    return text('edited');
  });
  server.registerResource('page', page, { mimeType: 'text/plain' }, () => ({ contents: [{ uri: page, text: `edition ${edition}` }] }));
  if (legacy) {
    server.server.setRequestHandler('resources/subscribe', ({ params }) => { watchers.add(params.uri); return {}; });
    server.server.setRequestHandler('resources/unsubscribe', ({ params }) => { watchers.delete(params.uri); return {}; });
  }
  return server;
}

// One way to use every official client: list, call, watch. What they cannot do is missing.
import { createMCPClient, ElicitationRequestSchema as AiElicitation } from '@ai-sdk/mcp';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema, ElicitRequestSchema, LoggingMessageNotificationSchema, ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { authorization, endpoint } from './mcp_support.mjs';

const identity = { name: 'sluice-e2e', version: '1' };
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';
const options = { requestInit: authorization() };
const capabilities = { elicitation: { form: {} }, sampling: {} };
const sampled = ({ params }) => ({
  role: 'assistant', model: 'test', stopReason: 'endTurn', content: { type: 'text', text: `not ${params.messages[0].content.text}` },
});

// Of a client of the legacy era: the level is the session's, and a resource is subscribed to.
const legacyWatching = (client) => ({
  logLevel: (level) => client.setLoggingLevel(level),
  watch: (uri) => client.subscribeResource({ uri }),
});

async function sdk(answers) {
  const client = new Client(identity, answers && { capabilities });
  if (answers) {
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => answers.elicit(params));
    client.setRequestHandler(CreateMessageRequestSchema, sampled);
  }
  await client.connect(new StreamableHTTPClientTransport(endpoint, options));
  return {
    ...legacyWatching(client),
    list: async () => (await client.listTools()).tools,
    call: (name, args, more) => client.callTool({ name, arguments: args }, undefined, more),
    onLog: (heard) => client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => heard(params)),
    onUpdate: (heard) => client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => heard(params)),
    close: () => client.close(),
  };
}

async function client2(answers, mode) {
  const client = new ModernClient(identity, { ...(answers && { capabilities }), ...(mode && { versionNegotiation: { mode } }) });
  if (answers) {
    client.setRequestHandler('elicitation/create', ({ params }) => answers.elicit(params));
    client.setRequestHandler('sampling/createMessage', sampled);
  }
  await client.connect(new ModernTransport(endpoint, options));
  let meta = {};
  return {
    ...legacyWatching(client),
    ...(mode && {
      logLevel: (level) => { meta = { _meta: { [LOG_LEVEL]: level } }; },
      watch: (uri) => client.listen({ resourceSubscriptions: [uri] }),
    }),
    list: async () => (await client.listTools(undefined, { cacheMode: 'refresh' })).tools,
    call: (name, args, more) => client.callTool({ name, arguments: args, ...meta }, more),
    onLog: (heard) => client.setNotificationHandler('notifications/message', ({ params }) => heard(params)),
    onUpdate: (heard) => client.setNotificationHandler('notifications/resources/updated', ({ params }) => heard(params)),
    close: () => client.close(),
  };
}

async function aiSdk(answers) {
  const client = await createMCPClient({
    transport: { type: 'http', url: endpoint.href, ...authorization() }, ...(answers && { capabilities: { elicitation: {} } }),
  });
  if (answers) client.onElicitationRequest(AiElicitation, ({ params }) => answers.elicit(params));
  return {
    list: async () => (await client.listTools()).tools,
    call: (name, args, { signal } = {}) => client.callTool({ name, arguments: args, options: { signal } }),
    close: () => client.close(),
  };
}

// name -> how to connect one; `answers` has elicit(params), without it the client declares nothing that a server may ask.
export const kinds = {
  'sdk 1': sdk,
  'client 2, legacy': (answers) => client2(answers),
  'client 2, modern': (answers) => client2(answers, { pin: '2026-07-28' }),
  'AI SDK': aiSdk,
};

// What the conformance suite asks a server to offer: its tools, prompts, resources and completions, by the suite's own names.
// Handlers are written once for both eras: what they need from the client they ask for with inputRequired(), which the SDK turns
// into requests of the server in the legacy era.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CLIENT_CAPABILITIES_META_KEY, McpServer, ResourceTemplate, acceptedContent, completable, createRequestStateCodec, fromJsonSchema,
  inputRequired, inputResponse,
} from '@modelcontextprotocol/server';
import { z } from 'zod';

const RECONNECTION_MS = 400;  // longer than a gateway in between waits before it makes the answer a stream
const PAUSE_MS = 50;  // between two notifications of one call, as the suite asks
const RED_PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const SILENCE = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==';
const states = createRequestStateCodec({ key: randomBytes(32) });

const object = (properties, required = Object.keys(properties)) => ({ type: 'object', properties, required });
const text = (value) => ({ type: 'text', text: value });
const image = { type: 'image', data: RED_PIXEL, mimeType: 'image/png' };
const says = (...content) => ({ content });
const user = (...contents) => ({ messages: contents.map((content) => ({ role: 'user', content })) });
const form = (message, requestedSchema) => inputRequired.elicit({ mode: 'form', message, requestedSchema });
const question = (prompt, maxTokens = 100) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: text(prompt) }], maxTokens });
const ask = async (inputRequests, state) => inputRequired(
  { inputRequests, ...(state === undefined ? {} : { requestState: await states.mint(state) }) });

const answer = (ctx, name) => inputResponse(ctx.mcpReq.inputResponses, name);
const nameForm = (message) => form(message, object({ name: { type: 'string' } }));
const confirmForm = () => form('Please confirm', object({ ok: { type: 'boolean' } }));
// The text of the client's model, or nothing yet.
const sampled = (ctx, name) => {
  const given = answer(ctx, name);
  return given.kind === 'sampling' ? [given.result.content].flat().map((part) => part.text ?? '').join('') : undefined;
};

function contentTools(tool) {
  tool('test_simple_text', () => says(text('This is a simple text response for testing.')));
  tool('test_image_content', () => says(image));
  tool('test_audio_content', () => says({ type: 'audio', data: SILENCE, mimeType: 'audio/wav' }));
  tool('test_embedded_resource', () => says({
    type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' },
  }));
  tool('test_multiple_content_types', () => says(text('Multiple content types test:'), image, {
    type: 'resource',
    resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' },
  }));
  tool('test_error_handling', () => { throw new Error('This tool intentionally returns an error for testing'); });
}

function notifyingTools(tool) {
  tool('test_tool_with_logging', async (_, ctx) => {
    await ctx.mcpReq.log('info', 'Tool execution started');
    await sleep(PAUSE_MS);
    await ctx.mcpReq.log('info', 'Tool processing data');
    await sleep(PAUSE_MS);
    await ctx.mcpReq.log('info', 'Tool execution completed');
    return says(text('Logged three messages.'));
  });
  tool('test_logging_tool', async (_, ctx) => {
    await ctx.mcpReq.log('info', 'Only for a request that asked for logs');
    return says(text('Logged one message.'));
  });
  tool('test_tool_with_progress', async (_, ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progress > 0) await sleep(PAUSE_MS);
      if (progressToken !== undefined) {
        await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
      }
    }
    return says(text('Reported progress.'));
  });
  tool('test_reconnection', async (_, ctx) => {
    ctx.http?.closeSSE?.();
    await sleep(RECONNECTION_MS);
    return says(text('The answer after the stream was closed.'));
  });
}

// Of a legacy server that asks its client during the call.
function askingTools(tool) {
  const elicited = (ctx, lead) => {
    const given = answer(ctx, 'form');
    return given.kind === 'elicit' && says(text(lead(given.action, JSON.stringify(given.content ?? {}))));
  };
  const completed = (action, content) => `Elicitation completed: action=${action}, content=${content}`;
  tool('test_sampling', (args, ctx) => {
    const reply = sampled(ctx, 'model');
    return reply === undefined ? ask({ model: question(args.prompt) }) : says(text(`LLM response: ${reply}`));
  }, object({ prompt: { type: 'string' } }));
  tool('test_elicitation', (args, ctx) => elicited(ctx, (action, content) => `User response: action=${action}, content=${content}`)
    || ask({
      form: form(args.message, object({
        username: { type: 'string', description: "User's response" }, email: { type: 'string', description: "User's email address" },
      })),
    }), object({ message: { type: 'string' } }));
  tool('test_elicitation_sep1034_defaults', (_, ctx) => elicited(ctx, completed) || ask({
    form: form('Please check the defaults', object({
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    }, [])),
  }));
  const titled = (ordinal) => ['First', 'Second', 'Third'].map((word, i) => ({ const: `value${i + 1}`, title: `${word} ${ordinal}` }));
  tool('test_elicitation_sep1330_enums', (_, ctx) => elicited(ctx, completed) || ask({
    form: form('Please choose', object({
      untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      titledSingle: { type: 'string', oneOf: titled('Option') },
      legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
      untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
      titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
    }, [])),
  }));
}

// clientCapabilities: what a client of the legacy era declared at the handshake.
function inputRequiredTools(tool, clientCapabilities) {
  tool('test_input_required_result_elicitation', (_, ctx) => {
    const given = acceptedContent(ctx.mcpReq.inputResponses, 'user_name', z.object({ name: z.string() }));
    return given ? says(text(`Hello, ${given.name}!`)) : ask({ user_name: nameForm('What is your name?') });
  });
  tool('test_input_required_result_sampling', (_, ctx) => {
    const reply = sampled(ctx, 'capital_question');
    return reply === undefined ? ask({ capital_question: question('What is the capital of France?') }) : says(text(reply));
  });
  tool('test_input_required_result_list_roots', (_, ctx) => {
    const given = answer(ctx, 'client_roots');
    return given.kind === 'roots' ? says(text(`Roots: ${given.roots.map((root) => root.uri).join(', ')}`))
      : ask({ client_roots: inputRequired.listRoots() });
  });
  for (const name of ['request_state', 'tampered_state']) {
    tool(`test_input_required_result_${name}`, (_, ctx) => {
      const state = ctx.mcpReq.requestState();
      return answer(ctx, 'confirm').kind === 'elicit' && state?.tool === name ? says(text('state-ok'))
        : ask({ confirm: confirmForm() }, { tool: name });
    });
  }
  tool('test_input_required_result_multiple_inputs', (_, ctx) => {
    const kinds = ['user_name', 'greeting', 'client_roots'].map((name) => answer(ctx, name).kind);
    return kinds.includes('missing') ? ask({
      user_name: nameForm('What is your name?'), greeting: question('Generate a greeting', 50), client_roots: inputRequired.listRoots(),
    }, { waiting: 3 }) : says(text(`All three: ${kinds.join(', ')}`));
  });
  tool('test_input_required_result_multi_round', (_, ctx) => {
    const round = ctx.mcpReq.requestState()?.round ?? 0;
    if (round === 1 && answer(ctx, 'step1').kind === 'elicit') {
      return ask({ step2: form('Step 2: What is your favorite color?', object({ color: { type: 'string' } })) }, { round: 2 });
    }
    return round === 2 && answer(ctx, 'step2').kind === 'elicit' ? says(text('Both steps done.'))
      : ask({ step1: nameForm('Step 1: What is your name?') }, { round: 1 });
  });
  tool('test_input_required_result_capabilities', (_, ctx) => {
    const declared = ctx.mcpReq.envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? clientCapabilities() ?? {};
    const wanted = { ...(declared.elicitation && { form: confirmForm() }), ...(declared.sampling && { model: question('Say yes') }) };
    return Object.keys(ctx.mcpReq.inputResponses ?? {}).length || !Object.keys(wanted).length ? says(text('Nothing more to ask.'))
      : ask(wanted);
  });
  tool('test_missing_capability', (_, ctx) => {
    const reply = sampled(ctx, 'model');
    return reply === undefined ? ask({ model: question('Are you there?') }) : says(text(reply));
  });
  tool('test_streaming_elicitation', (_, ctx) => answer(ctx, 'confirm').kind === 'elicit' ? says(text('Confirmed.'))
    : ask({ confirm: confirmForm() }));
}

function schemaTools(tool) {
  tool('json_schema_2020_12_tool', (args) => says(text(`Got ${JSON.stringify(args)}`)), {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: { $anchor: 'addressDef', type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } },
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  });
  tool('test_x_mcp_header', (args) => says(text(`Region: ${args.region}`)),
    object({ region: { type: 'string', 'x-mcp-header': 'Region' } }));
}

function prompts(server) {
  const prompt = (name, argsSchema, get) => server.registerPrompt(name, { description: `Prompt ${name}`, argsSchema }, get);
  const words = (start) => ['paris', 'park', 'party'].filter((word) => word.startsWith(start));
  prompt('test_simple_prompt', undefined, () => user(text('This is a simple prompt for testing.')));
  prompt('test_prompt_with_arguments', z.object({
    arg1: completable(z.string().describe('First test argument'), words),
    arg2: completable(z.string().describe('Second test argument'), words),
  }), ({ arg1, arg2 }) => user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)));
  prompt('test_prompt_with_embedded_resource', z.object({ resourceUri: z.string().describe('URI of the resource to embed') }),
    ({ resourceUri }) => user(
      { type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } },
      text('Please process the embedded resource above.')));
  prompt('test_prompt_with_image', undefined, () => user(image, text('Please analyze the image above.')));
  prompt('test_input_required_result_prompt', undefined, (ctx) => {
    const given = acceptedContent(ctx.mcpReq.inputResponses, 'user_context', z.object({ context: z.string() }));
    return given ? user(text(`In the context of ${given.context}.`))
      : ask({ user_context: form('What context should the prompt use?', object({ context: { type: 'string' } })) });
  });
}

function resources(server) {
  const resource = (name, uri, mimeType, content) => server.registerResource(name, uri, { description: `Resource ${name}`, mimeType },
    (at, variables) => ({ contents: [{ uri: at.href, mimeType, ...content(variables) }] }));
  resource('static-text', 'test://static-text', 'text/plain', () => ({ text: 'This is the content of the static text resource.' }));
  resource('static-binary', 'test://static-binary', 'image/png', () => ({ blob: RED_PIXEL }));
  resource('watched-resource', 'test://watched-resource', 'text/plain', () => ({ text: 'Watched content.' }));
  resource('template', new ResourceTemplate('test://template/{id}/data', { list: undefined }), 'application/json', ({ id }) => ({
    text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
  }));
}

// A server of one era. `changes` tells the listeners of the modern era that a list changed; without it the server itself does.
export function createServer({ era, changes }) {
  const server = new McpServer({ name: 'sluice-conformance-fixture', version: '1' }, {
    capabilities: {
      tools: { listChanged: true }, prompts: { listChanged: true }, resources: { listChanged: true, subscribe: true }, completions: {},
      logging: {},
    },
    requestState: { verify: states.verify },
  });
  const tool = (name, call, schema = object({})) =>
    server.registerTool(name, { description: `Tool ${name}`, inputSchema: fromJsonSchema(schema) }, call);
  contentTools(tool);
  notifyingTools(tool);
  askingTools(tool);
  inputRequiredTools(tool, () => server.server.getClientCapabilities());
  schemaTools(tool);
  tool('test_trigger_tool_change', () => {
    changes ? changes.toolsChanged() : server.sendToolListChanged();
    return says(text('The list of tools changed.'));
  });
  tool('test_trigger_prompt_change', () => {
    changes ? changes.promptsChanged() : server.sendPromptListChanged();
    return says(text('The list of prompts changed.'));
  });
  prompts(server);
  resources(server);
  if (era === 'legacy') {
    server.server.setRequestHandler('resources/subscribe', () => ({}));
    server.server.setRequestHandler('resources/unsubscribe', () => ({}));
  }
  return server;
}

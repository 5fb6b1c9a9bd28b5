/** The table of routes as OpenAPI 3.1. Made when somebody first asks; docs/decisions/0004-openapi.md says why by our own hands. */
import { z } from 'zod';
import { accessOf } from '#core/policy.ts';
import { STATUS_OF } from './refusal.ts';
import type { Route } from './route.ts';

type Json = { [key: string]: unknown };

const refusalSchema = z
  .object({
    error: z.string(),
    code: z.enum(Object.keys(STATUS_OF)),
    expected: z.string().nullable(),
    got: z.string().nullable(),
  })
  .meta({ id: 'Refusal', description: 'What is answered instead of a result. Nothing was stored.' });

let made: { routes: readonly Route[]; document: Json } | undefined;

/** The document for these routes. The same object each time. */
export function openApiOf(routes: readonly Route[], version: string): Json {
  if (made?.routes !== routes) made = { routes, document: documentOf(routes, version) };
  return made.document;
}

function documentOf(routes: readonly Route[], version: string): Json {
  const schemas: Json = {};
  const refusal = schemaOf(refusalSchema, 'output', schemas);
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = (paths[route.path] ??= {});
    path[route.method.toLowerCase()] = operationOf(route, refusal, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'skep',
      version,
      description: 'One node of a swarm of coding agents.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of `skep token create`' },
        session: { type: 'apiKey', in: 'cookie', name: 'skep', description: 'What a browser gets at /login' },
      },
    },
  };
}

function operationOf(route: Route, refusal: Json, schemas: Json): Json {
  const access = accessOf(route.action);
  const body = isNothing(route.body) ? undefined : schemaOf(route.body, 'input', schemas);
  const needed = body !== undefined && Array.isArray(body.required);
  return {
    operationId: operationId(route),
    summary: route.summary,
    tags: [tagOf(route.path)],
    'x-role': access,
    security: access === 'public' ? [] : [{ token: [] }, { session: [] }],
    parameters: [
      ...parametersOf(route.params, 'path', schemas),
      ...parametersOf(route.query, 'query', schemas),
      ...keyParameter(route),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: needed, content: { 'application/json': { schema: body } } } }),
    responses: {
      [route.status]: answerOf(route, schemas),
      default: { description: 'A refusal', content: { 'application/json': { schema: refusal } } },
    },
  };
}

function answerOf({ answer, status, events }: Route, schemas: Json): Json {
  if (answer === 'events') {
    return { description: events ?? 'Events', content: { 'text/event-stream': { schema: { type: 'string' } } } };
  }
  if (answer === 'websocket') return { description: 'Frames; docs/websocket.md has each' };
  if (answer === 'page') {
    return status === 303 ? { description: 'Logged in; go to the page' } : { description: 'A file of the page' };
  }
  return { description: 'Done', content: { 'application/json': { schema: schemaOf(answer, 'output', schemas) } } };
}

/** Any POST may be repeated safely under a key. */
const keyParameter = ({ method }: Route): Json[] =>
  method === 'POST'
    ? [
        {
          name: 'Idempotency-Key',
          in: 'header',
          required: false,
          schema: { type: 'string', minLength: 1, maxLength: 255 },
        },
      ]
    : [];

function parametersOf(schema: z.ZodType, where: 'path' | 'query', schemas: Json): Json[] {
  if (isNothing(schema)) return [];
  const { properties, required } = schemaOf(schema, 'input', schemas);
  const needed = Array.isArray(required) ? required : [];
  return Object.entries(isJson(properties) ? properties : {}).map(([name, one]) => ({
    name,
    in: where,
    required: needed.includes(name),
    schema: one,
  }));
}

/** A schema as JSON; those with an id of their own are put beside the others in `schemas` and referred to. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const whole = z.toJSONSchema(schema, { io, target: 'draft-2020-12', override: ({ jsonSchema }) => tidy(jsonSchema) });
  const text = JSON.stringify(whole).replaceAll('"#/$defs/', '"#/components/schemas/');
  const json: unknown = JSON.parse(text);
  const { $schema: _dialect, $defs, id, ...rest } = isJson(json) ? json : {};
  for (const [name, one] of Object.entries(isJson($defs) ? $defs : {})) schemas[name] ??= withoutId(one);
  if (typeof id !== 'string') return rest;
  schemas[id] ??= rest;
  return { $ref: `#/components/schemas/${id}` };
}

function tidy(schema: Json): void {
  // A number in a query is written as digits; what people want to know is that it is a number.
  if (schema.type === 'integer') delete schema.pattern;
  // Newer nodes add fields.
  if (schema.additionalProperties === false) delete schema.additionalProperties;
}

function withoutId(schema: unknown): unknown {
  if (!isJson(schema)) return schema;
  const { id: _id, ...rest } = schema;
  return rest;
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNothing = (schema: z.ZodType): boolean => schema instanceof z.ZodUnknown;

const operationId = ({ method, path }: Route): string =>
  [method.toLowerCase(), ...path.split(/[^A-Za-z0-9]+/).filter((part) => part !== '')].join('_');

/** `/api/swarm/tasks/{id}` → `tasks` */
const tagOf = (path: string): string => {
  const parts = path.split('/').filter((part) => part !== '' && part !== 'api' && part !== 'swarm');
  return parts[0] === undefined || path.startsWith('/page') ? 'page' : parts[0];
};

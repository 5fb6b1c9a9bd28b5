import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenAPIV3_1 } from 'openapi-types';
import { z } from 'zod';
import { accessOf } from '#core/policy.ts';
import { routes } from '#door/table.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

const schema = z.looseObject({});
const content = z.record(z.string(), z.object({ schema }));
const parameter = z.object({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  required: z.boolean(),
  schema,
});
const operation = z.looseObject({
  operationId: z.string().regex(/^[a-z]+[A-Za-z0-9_]*$/),
  summary: z.string().min(1),
  tags: z.array(z.string()),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(parameter),
  requestBody: z.object({ required: z.boolean(), content }).optional(),
  responses: z.record(
    z.string().regex(/^([1-5]\d\d|default)$/),
    z.looseObject({ description: z.string(), content: content.optional() }),
  ),
});
const document = z.object({
  openapi: z.literal('3.1.0'),
  info: z.object({
    title: z.string(),
    version: z.string(),
    description: z.string(),
    license: z.looseObject({ name: z.string() }),
  }),
  servers: z.array(z.object({ url: z.string() })),
  paths: z.record(z.string().regex(/^\//), z.partialRecord(z.enum(['get', 'post', 'delete']), operation)),
  components: z.object({
    schemas: z.record(z.string(), schema),
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.string() })),
  }),
});

describe('OpenAPI', () => {
  let served: Served;
  let text: string;
  let doc: z.output<typeof document>;
  beforeAll(async () => {
    served = await serve();
    text = await (await served.fetch('/openapi.json')).text();
    doc = document.parse(JSON.parse(text));
  });
  afterAll(() => served.close());

  const operations = (): { name: string; one: z.output<typeof operation> }[] =>
    Object.entries(doc.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, one]) =>
        one === undefined ? [] : [{ name: `${method.toUpperCase()} ${path}`, one }],
      ),
    );

  it('lists every route and nothing else', () => {
    expect(
      operations()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(routes.map(({ method, path }) => `${method} ${path}`).toSorted());
  });

  it('refers only to what is there', () => {
    const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, ref]) => ref?.replace('#/components/schemas/', '') ?? '',
    );
    expect(refs.length).toBeGreaterThan(20);
    for (const ref of refs) expect(Object.keys(doc.components.schemas)).toContain(ref);
    expect(Object.keys(doc.components.schemas).toSorted()).toEqual([
      'Activity',
      'Agent',
      'AgentCommand',
      'AgentTurn',
      'AgentTurns',
      'Approval',
      'Box',
      'Cap',
      'Channel',
      'File',
      'FoundMessage',
      'Link',
      'Me',
      'Member',
      'Message',
      'Node',
      'Op',
      'Person',
      'Post',
      'Project',
      'Proposal',
      'Rating',
      'Reader',
      'Refusal',
      'Rule',
      'Skill',
      'Status',
      'Task',
      'TranscriptEntry',
      'UsageSum',
      'Webhook',
    ]);
  });

  it('names each operation once, all its path parameters, and who may call it', () => {
    const ids = operations().map(({ one }) => one.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { name, one } of operations()) {
      const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, part]) => part);
      expect(one.parameters.filter((each) => each.in === 'path').map((each) => each.name)).toEqual(inPath);
      expect(one.parameters.filter((each) => each.in === 'path' && !each.required)).toEqual([]);
      const route = routes.find(({ method, path }) => `${method} ${path}` === name);
      const access = route === undefined ? undefined : accessOf(route.action);
      expect(one['x-role']).toBe(access);
      expect(one.security.length === 0).toBe(access === 'public');
      expect(Object.keys(one.responses)).toContain('default');
    }
  });

  it('describes a task as the API writes it', () => {
    const task: OpenAPIV3_1.SchemaObject = doc.components.schemas.Task ?? {};
    expect(task.required?.slice(0, 4)).toEqual(['id', 'title', 'description', 'status']);
    expect(task.properties?.status).toEqual({
      type: 'string',
      enum: ['pending', 'claimed', 'in_progress', 'completed', 'failed', 'cancelled'],
    });
    expect(task.additionalProperties).toBeUndefined();
    const create = doc.paths['/api/swarm/tasks']?.post;
    expect(create?.requestBody).toMatchObject({
      required: true,
      content: { 'application/json': { schema: { required: ['title'] } } },
    });
    expect(create?.responses['201']).toMatchObject({
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Task' } } },
    });
    const limit = doc.paths['/api/swarm/tasks']?.get?.parameters.find(({ name }) => name === 'limit');
    expect(limit?.schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 1000 });
  });

  it('comes over the admin socket too', async () => {
    const client = await served.connect();
    client.send({ id: 1, method: 'GET', path: '/openapi.json' });
    expect(await client.next()).toMatchObject({ status: 200, body: { openapi: '3.1.0' } });
    client.close();
  });
});

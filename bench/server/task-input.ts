/** The schema by which skep's own route judges a new task, so that the peers validate the very same. */
import type { z } from 'zod';
import { taskCreateRoutes } from '../../src/door/routes/task-create.ts';
import fastify from 'fastify';

/** A task as the schema lets it through: the fields that the bench sends. */
export type TaskInput = {
  title: string;
  description?: string | null;
  priority?: number | null;
  required_capabilities?: string[] | null;
  context?: string | null;
  created_by?: string | null;
};

function bodySchema(): z.ZodType {
  const route = taskCreateRoutes.find((one) => one.method === 'POST' && one.path === '/api/swarm/tasks');
  if (route === undefined) throw new Error('skep has no route that creates a task');
  return route.body;
}

/** A fastify with that one route; says its port, and ends with its process. */
export async function serveTasks(create: (input: TaskInput) => object | Promise<object>): Promise<void> {
  const app = fastify();
  const body = bodySchema();
  app.setValidatorCompiler(() => (value) => {
    const read = body.safeParse(value);
    return read.success ? { value: read.data } : { error: read.error };
  });
  app.post<{ Body: TaskInput }>('/api/swarm/tasks', { schema: { body: {} } }, async (request, reply) => {
    reply.code(201);
    return create(request.body);
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('fastify listens on no port');
  process.stdout.write(`${JSON.stringify({ port: address.port })}\n`);
}

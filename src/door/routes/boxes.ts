/** Boxes of the node that is asked: the agents in them, and what they are made of. */
import { z } from 'zod';
import type { BoxChange, BoxStanding } from '#core/boxing.ts';
import type { Refusal } from '#core/refusal.ts';
import { boxDeclared, boxKindSchema, boxLimitsSchema, boxMountSchema } from '#core/schema/box-body.ts';
import { boxJson, boxJsonSchema } from '../json/box.ts';
import type { BoxJson } from '../json/box.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import {
  capabilitiesInput,
  none,
  optionalText,
  orNull,
  requiredText,
  turnsInput,
  turnsOf,
  turnsRefusal,
} from './input.ts';

const nameParams = z.object({ name: z.string().min(1).max(64) });

const changeInput = z.object({
  runtime: boxKindSchema.nullish().describe('A sandbox where it works, when left out of a new box'),
  image: optionalText(512).describe('An image of Podman or Docker, or the root folder of nspawn'),
  mounts: z.array(boxMountSchema).max(32).nullish(),
  limits: z
    .object({
      memory_bytes: boxLimitsSchema.shape.memoryBytes.optional(),
      cpus: boxLimitsSchema.shape.cpus.optional(),
      processes: boxLimitsSchema.shape.processes.optional(),
    })
    .nullish(),
  secret_names: boxDeclared.shape.secretNames
    .nullish()
    .describe('Files in the folder secrets of the data directory; shown as /run/secrets/NAME'),
  egress: boxDeclared.shape.egress
    .unwrap()
    .nullish()
    .describe(
      'Places of the network that it may reach through its node, as HOST:PORT; none when left out of a new box',
    ),
});

/** What was left out of a change stays; what is left out of its limits is no limit. */
function changeOf(input: z.output<typeof changeInput>): BoxChange {
  const { limits } = input;
  return {
    runtime: input.runtime ?? undefined,
    image: input.image === undefined ? undefined : orNull(input.image),
    mounts: input.mounts ?? undefined,
    limits:
      limits === undefined || limits === null
        ? undefined
        : {
            memoryBytes: limits.memory_bytes ?? null,
            cpus: limits.cpus ?? null,
            processes: limits.processes ?? null,
          },
    secretNames: input.secret_names ?? undefined,
    egress: input.egress ?? undefined,
  };
}

const answerOf = (answer: BoxStanding | Refusal): BoxJson | Refusal => (isRefusal(answer) ? answer : boxJson(answer));

const list = jsonRoute({
  method: 'GET',
  path: '/api/boxes',
  summary: 'Boxes of this node, and the homes that destroyed ones left',
  action: 'box.read',
  params: none,
  query: none,
  body: none,
  answer: z.array(boxJsonSchema),
  status: 200,
  handle: async ({ door }) => (await door.node.boxing.list()).map(boxJson),
});

const kinds = jsonRoute({
  method: 'GET',
  path: '/api/box-kinds',
  summary: 'Kinds of boxes, and which of them work on this node',
  action: 'box.read',
  params: none,
  query: none,
  body: none,
  answer: z.array(
    z.object({
      kind: boxKindSchema,
      works: z.boolean(),
      version: z.string().nullable(),
      why: z.string().nullable(),
      way_out: z.string().nullable(),
    }),
  ),
  status: 200,
  handle: async ({ door }) =>
    (await door.node.boxing.kinds()).map(({ wayOut, ...kind }) => ({ ...kind, way_out: wayOut })),
});

const spawn = jsonRoute({
  method: 'POST',
  path: '/api/boxes',
  summary: 'Register an agent of this node in a box of its own',
  action: 'box.declare',
  params: none,
  query: none,
  body: changeInput.extend({
    name: requiredText('name', 64),
    tool: optionalText(64).describe('claude when left out'),
    capabilities: capabilitiesInput,
    turns: turnsInput,
  }),
  answer: boxJsonSchema,
  status: 201,
  handle: async ({ body, by, door }) => {
    const tool = orNull(body.tool) ?? 'claude';
    const unfit = turnsRefusal(body.turns, tool);
    if (unfit !== undefined) return unfit;
    const wanted = { name: body.name, tool, capabilities: body.capabilities ?? [], ...turnsOf(body.turns) };
    return answerOf(await door.node.boxing.spawn({ ...wanted, ...changeOf(body) }, by));
  },
});

const kill = jsonRoute({
  method: 'POST',
  path: '/api/boxes/{name}/kill',
  summary: 'End what the agent is at; it takes nothing until it is rebuilt',
  action: 'box.stop',
  params: nameParams,
  query: none,
  body: none,
  answer: boxJsonSchema,
  status: 200,
  handle: async ({ params, by, door }) => answerOf(await door.node.boxing.kill(params.name, by)),
});

const rebuild = jsonRoute({
  method: 'POST',
  path: '/api/boxes/{name}/rebuild',
  summary: 'Make what runs equal to what is declared; what is given is declared first. Done again, it does nothing',
  action: 'box.declare',
  params: nameParams,
  query: none,
  body: changeInput,
  answer: boxJsonSchema,
  status: 200,
  handle: async ({ params, body, by, door }) =>
    answerOf(await door.node.boxing.rebuild(params.name, changeOf(body), by)),
});

const destroy = jsonRoute({
  method: 'DELETE',
  path: '/api/boxes/{name}',
  summary: 'End it and withdraw its agent; its home stays unless purge=true',
  action: 'box.destroy',
  params: nameParams,
  query: z.object({ purge: z.enum(['true', 'false']).optional() }),
  body: none,
  answer: z.object({ name: z.string(), purged: z.boolean() }),
  status: 200,
  handle: ({ params, query, by, door }) => door.node.boxing.destroy(params.name, { purge: query.purge === 'true', by }),
});

const login = jsonRoute({
  method: 'GET',
  path: '/api/boxes/{name}/login',
  summary: 'What to run on the machine of this node to sit in the box, with a network',
  action: 'box.enter',
  params: nameParams,
  query: none,
  body: none,
  answer: z.object({ argv: z.array(z.string()), env: z.record(z.string(), z.string()) }),
  status: 200,
  handle: async ({ params, door }) => {
    const answer = await door.node.boxing.login(params.name);
    return isRefusal(answer) ? answer : { argv: [...answer.argv], env: { ...answer.env } };
  },
});

const serve = jsonRoute({
  method: 'POST',
  path: '/api/hive/serve',
  summary: 'Open the host’s socket of hyperhive in this node, now and at each start from now on',
  action: 'box.declare',
  params: none,
  query: none,
  body: none,
  answer: z.object({ socket: z.string() }),
  status: 200,
  handle: ({ door }) => door.node.boxing.serve(),
});

export const boxRoutes: readonly Route[] = [list, kinds, serve, spawn, kill, rebuild, destroy, login];

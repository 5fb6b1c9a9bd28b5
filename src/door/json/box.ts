/** A box in JSON. */
import { z } from 'zod';
import type { BoxStanding } from '#core/boxing.ts';
import { boxKindSchema, boxMountSchema } from '#core/schema/box-body.ts';

export const limitsJsonSchema = z.object({
  memory_bytes: z.number().int().nullable(),
  cpus: z.number().nullable(),
  processes: z.number().int().nullable(),
});

export const boxJsonSchema = z
  .object({
    name: z.string(),
    agent_id: z.string().nullable().describe('Null once it is destroyed'),
    tool: z.string().nullable(),
    state: z
      .enum(['running', 'stopped', 'broken', 'destroyed'])
      .describe('stopped: killed, until it is rebuilt; destroyed: only its home is left, for spawn to revive'),
    why: z.string().nullable().describe('What is wrong with it'),
    way_out: z.string().nullable(),
    runtime: boxKindSchema.nullable(),
    image: z.string().nullable(),
    mounts: z.array(boxMountSchema),
    limits: limitsJsonSchema.nullable(),
    unheld: z
      .array(z.object({ limit: z.enum(['memory_bytes', 'cpus', 'processes']), reason: z.string() }))
      .describe('Limits that this system does not hold'),
    secret_names: z.array(z.string()),
    egress: z.array(z.string()).describe('Places of the network that it may reach, as HOST:PORT'),
    home: z.string(),
  })
  .meta({ id: 'Box' });
export type BoxJson = z.output<typeof boxJsonSchema>;

const LIMIT_NAMES = { memoryBytes: 'memory_bytes', cpus: 'cpus', processes: 'processes' } as const;

export function boxJson(box: BoxStanding): BoxJson {
  const { limits } = box;
  return {
    name: box.name,
    agent_id: box.agent,
    tool: box.tool,
    state: box.state,
    why: box.why,
    way_out: box.wayOut,
    runtime: box.runtime,
    image: box.image,
    mounts: box.mounts.map((mount) => ({ ...mount })),
    limits:
      limits === null ? null : { memory_bytes: limits.memoryBytes, cpus: limits.cpus, processes: limits.processes },
    unheld: box.unheld.map(({ limit, reason }) => ({ limit: LIMIT_NAMES[limit], reason })),
    secret_names: [...box.secretNames],
    egress: [...box.egress],
    home: box.home,
  };
}

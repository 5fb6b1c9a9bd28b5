/** The commands of `codeswarm.router.v1` that this router carries out. Each gets exactly one last answer; what is none of them is refused. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { LaunchRefusal } from '../launch/refusal.ts';
import { answerApproval } from './approve.ts';
import { openApprovals, parsed, reject, type CommandTools } from './command.ts';
import type { Answer, Command } from './door.ts';
import { launchSwarm } from './launch.ts';
import { RouterRefusal } from './near-end.ts';
import { terminateSwarm } from './terminate.ts';

type Carry = (payload: Command['payload'], tools: CommandTools, answer: Answer) => Promise<void>;

const name = z.string().min(1).max(100);
const injectPayload = z.looseObject({
  swarm_id: name,
  nodes: z.union([
    z.literal('all'),
    z.number().int().nonnegative(),
    z.array(z.number().int().nonnegative()).min(1).max(1_000),
  ]),
  content: z.string().min(1),
  /** The client's own name for it: said again, to a router that was killed before it answered, it is taken once. */
  injection_id: z
    .string()
    .regex(/^[A-Za-z0-9_.:-]{1,100}$/)
    .optional(),
});

const inject: Carry = async (payload, tools, answer) => {
  const { swarm_id: wanted, nodes, content, injection_id: given } = parsed(injectPayload, payload);
  const found = await tools.swarms.find(wanted);
  if (found === undefined) return reject(answer, `unknown swarm_id: ${wanted}`);
  const { id, swarm } = found;
  const all = Array.from({ length: swarm.nodes }, (_, node) => node);
  const chosen = nodes === 'all' ? all : [...new Set(Array.isArray(nodes) ? nodes : [nodes])];
  const none = chosen.filter((node) => node >= swarm.nodes);
  if (none.length > 0) return reject(answer, `swarm ${id} has nodes 0 to ${swarm.nodes - 1}, not ${none.join(', ')}`);
  const isTalking = chosen.every((node) => tools.router.isInConversation(swarm.job, node));
  const status = isTalking ? swarm.state : await tools.swarms.statusOf(found);
  if (status === 'terminating' || status === 'terminated') return reject(answer, `swarm ${id} is ${status}`);
  const told = (event: string, node: number, injection: string, more: object = {}): void =>
    answer(event, { swarm_id: id, injection_id: injection, node_id: node, ...more });
  await Promise.all(
    chosen.map(async (node) => {
      const injection = given ?? randomUUID();
      const o = { key: injection, isAgain: given !== undefined };
      told('inject_ack', node, injection, { prompt: content });
      try {
        await tools.router.tell(swarm.job, node, { type: 'user', content, injection_id: injection }, o);
        told('inject_delivered', node, injection);
      } catch (error) {
        told('inject_failed', node, injection, { error: wordsOf(error) });
      }
    }),
  );
};

const status: Carry = async (payload, { swarms }, answer) => {
  const { swarm_id: wanted } = parsed(z.looseObject({ swarm_id: name }), payload);
  const found = await swarms.find(wanted);
  if (found === undefined) return answer('swarm_status', { swarm_id: wanted, error: 'unknown swarm_id' });
  const { id, swarm } = found;
  answer('swarm_status', {
    swarm_id: id,
    job_id: swarm.job,
    node_count: swarm.nodes,
    status: await swarms.statusOf(found),
  });
};

const providers: Carry = async (_, { swarms }, answer) =>
  answer('providers_list', {
    providers: swarms.providers.map(({ id, label, backend }) => ({
      id,
      label,
      backend,
      defaults: { tool: 'codex' },
      launch_fields: FIELDS,
      launch_soft_timeout_seconds: 900,
      launch_hard_timeout_seconds: 2_700,
    })),
  });

const FIELDS = ['time', 'partition', 'account', 'qos', 'tool'].map((key) => ({ key, label: key, type: 'string' }));

const approvals: Carry = async (_, { router }, answer) =>
  answer('approvals_list', { approvals_version: router.approvalsVersion, approvals: openApprovals(router) });

const COMMANDS: Readonly<Record<string, Carry>> = {
  swarm_launch: launchSwarm,
  inject,
  swarm_list: async (_, { swarms }, answer) => answer('swarm_list', { swarms: await swarms.list() }),
  swarm_status: status,
  providers_list: providers,
  approvals_list: approvals,
  approve_execution: answerApproval,
  swarm_terminate: terminateSwarm,
};

/** Never rejects. */
export async function carryOut(command: Command, tools: CommandTools, answer: Answer): Promise<void> {
  const carry = Object.hasOwn(COMMANDS, command.command) ? COMMANDS[command.command] : undefined;
  if (carry === undefined) return reject(answer, 'unsupported');
  try {
    await carry(command.payload, tools, answer);
  } catch (error) {
    reject(answer, wordsOf(error));
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof RouterRefusal || error instanceof LaunchRefusal) return error.message;
  return `this router failed: ${error instanceof Error ? error.message : String(error)}`;
}

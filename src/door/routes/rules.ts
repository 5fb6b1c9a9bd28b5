/** Rules by which requests of agents are decided without a person; for the whole swarm. */
import { z } from 'zod';
import type { BodyOf } from '#core/schema/body.ts';
import { isLiveRule } from '#core/view/rule.ts';
import { appendOne, whileTaking } from '../append.ts';
import type { Door } from '../door.ts';
import { ruleJson, ruleJsonSchema } from '../json/approval.ts';
import { findRule } from '../lookup.ts';
import { isRefusal, refused } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { idParams, none, optionalText, orNull } from './input.ts';

/** Each request is held against all of them. */
const RULES_MAX = 500;
const GLOB_MAX_CHARS = 256;

const list = jsonRoute({
  method: 'GET',
  path: '/api/rules',
  summary: 'Rules, oldest first; the order decides nothing: deny goes before ask, ask before allow',
  action: 'rule.read',
  params: none,
  query: none,
  body: none,
  answer: z.array(ruleJsonSchema),
  status: 200,
  handle: ({ door }) => rulesOf(door).map(ruleJson),
});

const rulesOf = (door: Door) =>
  door.node.store
    .list('rule', { where: { live: 1 }, order: [['created', 'asc']], limit: RULES_MAX })
    .filter(isLiveRule);

const globInput = (about: string) => optionalText(GLOB_MAX_CHARS).describe(`Glob: ${about}`);

const bodyInput = z.object({
  effect: z.enum(['allow', 'ask', 'deny'], {
    error: (issue) => (issue.input === undefined ? 'effect is required' : undefined),
  }),
  tool: globInput('Bash, Edit, mcp__files__*; any tool when left out'),
  command: globInput('npm run *; only commands, each part of a compound one must match'),
  path: globInput('/srv/** or, from the folder of the attempt, src/**; only what names paths'),
  agent: globInput('name, or the id, of an agent; any when left out'),
  note: optionalText(500).describe('For people; of a deny rule, told to the agent'),
});

const add = jsonRoute({
  method: 'POST',
  path: '/api/rules',
  summary: 'Add a rule; requests that wait are held against it, too',
  action: 'rule.add',
  params: none,
  query: none,
  body: bodyInput,
  answer: ruleJsonSchema,
  status: 201,
  handle: ({ body: input, by, door }) =>
    whileTaking('rules', door, async () => {
      if (rulesOf(door).length >= RULES_MAX)
        return refused('conflict', `there are ${RULES_MAX} rules already`, { expected: 'one of them to be removed' });
      const body: BodyOf<'rule.added'> = {
        type: 'rule.added',
        effect: input.effect,
        tool: orNull(input.tool),
        command: orNull(input.command),
        path: orNull(input.path),
        agent: orNull(input.agent),
        note: input.note ?? '',
      };
      if (body.tool === null && body.command === null && body.path === null && body.agent === null)
        return refused('invalid', 'a rule for everything is no rule', { expected: 'tool, command, path or agent' });
      const arrival = await appendOne({ entity: undefined, by, body }, door);
      if (isRefusal(arrival)) return arrival;
      const row = door.node.store.get('rule', arrival.op.header.entity);
      if (!isLiveRule(row)) throw new Error('a rule that was just added is not there');
      return ruleJson(row);
    }),
});

const remove = jsonRoute({
  method: 'DELETE',
  path: '/api/rules/{id}',
  summary: 'Take a rule back; what it decided stands',
  action: 'rule.remove',
  params: idParams,
  query: none,
  body: none,
  answer: z.object({ status: z.literal('removed'), rule_id: z.string() }),
  status: 200,
  handle: async ({ params, by, door }) => {
    const rule = findRule(params.id, door);
    if (isRefusal(rule)) return rule;
    const arrival = await appendOne({ entity: rule.id, by, body: { type: 'rule.removed' } }, door);
    return isRefusal(arrival) ? arrival : { status: 'removed' as const, rule_id: rule.id };
  },
});

export const ruleRoutes: readonly Route[] = [list, add, remove];

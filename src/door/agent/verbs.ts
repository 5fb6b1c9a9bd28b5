/** What may be asked at an agent's socket: `{"cmd":"send","to":"bob","body":"hello"}` is answered `{"ok":true,…}` or `{"ok":false,"error":…}`. */
import { z } from 'zod';
import { mailboxOf } from '#core/message/address.ts';
import { agentJson } from '../json/agent.ts';
import type { AtDesk } from '../message/desk.ts';
import * as channels from '../message/channel-desk.ts';
import { CHANNEL_INPUT } from '../message/channel-desk.ts';
import * as desk from '../message/desk.ts';
import { INPUT } from '../message/desk.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refusalJson, refusalOfIssue, refused, shown } from '../refusal.ts';

type Answer = Record<string, unknown>;
type Verb = (input: unknown, at: AtDesk) => Promise<Answer | DoorRefusal>;

function verb<I>(schema: z.ZodType<I>, run: (input: I, at: AtDesk) => Promise<Answer | DoorRefusal>): Verb {
  return async (input, at) => {
    const parsed = schema.safeParse(input);
    return parsed.success ? run(parsed.data, at) : refusalOfIssue(parsed.error, input, 'request');
  };
}

/** A refusal stays one; anything else is told under its name. */
const as = <T>(name: string, value: T | DoorRefusal): Answer | DoorRefusal =>
  isRefusal(value) ? value : { [name]: value };

const nothing = z.unknown();

const VERBS: Readonly<Record<string, Verb>> = {
  send: verb(INPUT.send, async (input, at) => {
    const sent = await desk.send(input, at);
    if (isRefusal(sent)) return sent;
    return {
      id: sent.ids[0],
      ...(sent.ids.length > 1 ? { ids: sent.ids } : {}),
      ...(sent.masked ? { masked: true } : {}),
    };
  }),
  join: verb(CHANNEL_INPUT.join, async (input, at) => as('channels', await channels.join(input, at))),
  leave: verb(CHANNEL_INPUT.one, async (input, at) => as('left', await channels.leave(input, at))),
  recv: verb(INPUT.receive, (input, at) => desk.receive(input, at)),
  ack: verb(INPUT.ids, async (input, at) => as('acknowledged', await desk.acknowledge(input, at))),
  ack_turn: verb(nothing, async (_input, at) => as('acknowledged', await desk.acknowledge({}, at))),
  requeue: verb(INPUT.ids, async (input, at) => as('requeued', await desk.requeue(input, at))),
  requeue_inflight: verb(nothing, async (_input, at) => as('requeued', await desk.requeue({}, at))),
  status: verb(nothing, async (_input, at) => {
    const { waiting, leased, later } = desk.counts(at);
    return { unread: waiting, in_hand: leased, reminders: later };
  }),
  recent: verb(INPUT.recent, async (input, at) => ({ messages: desk.recent(input, at) })),
  read: verb(INPUT.one, async (input, at) => as('body', await desk.read(input, at))),
  ask: verb(INPUT.ask, async (input, at) => {
    const asked = await desk.ask(input, at);
    return isRefusal(asked) ? asked : { id: asked.id, expires_at: new Date(asked.expiresMs).toISOString() };
  }),
  answer: verb(INPUT.answer, async (input, at) => as('id', await desk.answer(input, at))),
  remind: verb(INPUT.remind, async (input, at) => {
    const made = await desk.remind(input, at);
    return isRefusal(made) ? made : { id: made.id, due_at: new Date(made.dueMs).toISOString() };
  }),
  count_pending_reminders: verb(nothing, async (_input, at) => ({ count: desk.counts(at).later })),
  cancel_thread: verb(INPUT.one, async (input, at) => as('cancelled', await desk.cancel(input, at))),
  whoami: verb(nothing, async (_input, at) => whoami(at)),
  set_status: verb(INPUT.status, async (input, at) => as('set', await desk.setStatus(input, at))),
  wake: verb(INPUT.wake, async (input, at) => {
    const woken = await desk.wake(input, at);
    return isRefusal(woken) ? woken : { id: woken[0] };
  }),
};

function whoami({ agent, door }: AtDesk): Answer | DoorRefusal {
  const row = door.roster.agents().find((one) => one.id === agent);
  if (row === undefined) return refused('not_found', 'this agent was withdrawn');
  const { id, name, tool, node_name, capabilities } = agentJson(row, door);
  const may_write_to = row.recipients?.allow ?? null;
  return {
    id,
    name,
    tool,
    node: node_name,
    capabilities,
    may_write_to,
    mailbox: mailboxOf(agent),
    status: row.status?.text ?? '',
  };
}

/** Never rejects: what a verb throws is recorded and answered. */
export async function answerVerb(request: object, at: AtDesk): Promise<Answer> {
  const cmd: unknown = Reflect.get(request, 'cmd');
  const run = typeof cmd === 'string' && Object.hasOwn(VERBS, cmd) ? VERBS[cmd] : undefined;
  if (run === undefined) {
    const expected = Object.keys(VERBS).join(' | ');
    return refusedAnswer(refused('not_found', 'there is no such cmd', { expected, got: shown(cmd) }));
  }
  try {
    const answer = await run(request, at);
    return isRefusal(answer) ? refusedAnswer(answer) : { ok: true, ...answer };
  } catch (error) {
    at.door.onFault(error, `${String(cmd)} of agent ${at.agent}`);
    return refusedAnswer(refused('internal', 'something went wrong inside this node; its log says what'));
  }
}

export const refusedAnswer = (refusal: DoorRefusal): Answer => ({ ok: false, ...refusalJson(refusal) });

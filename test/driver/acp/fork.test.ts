/** A conversation that goes on from a copy of another one, by ACP. */
import { expect, it } from 'vitest';
import { AcpDialect } from '#driver/acp/dialect.ts';

const line = (message: object): string => JSON.stringify({ jsonrpc: '2.0', ...message });
const initialized = (agentCapabilities: object): string =>
  line({ id: 'initialize', result: { protocolVersion: 1, agentCapabilities } });
const says = (text: string): string =>
  line({
    method: 'session/update',
    params: { sessionId: 's1', update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } } },
  });

function asked(): AcpDialect {
  const dialect = new AcpDialect({
    cwd: '/p',
    version: '0.0.0',
    servers: [],
    resume: 's0',
    isFork: true,
    instructions: '',
  });
  dialect.begin();
  dialect.prompt('t1', 'On.');
  return dialect;
}

it('names the copy, and takes what is told again of the first one for no part of its turn', () => {
  const dialect = asked();
  const begun = dialect.read(initialized({ loadSession: true, sessionCapabilities: { fork: {} } }));
  expect(begun.lines.map((one): unknown => JSON.parse(one))).toMatchObject([
    { method: 'session/fork', params: { sessionId: 's0' } },
  ]);
  expect(dialect.read(says('of before')).events).toEqual([]);
  expect(dialect.read(line({ id: 'session', result: { sessionId: 's1' } })).events).toEqual([
    { kind: 'session', session: 's1' },
  ]);
  dialect.read(says('of now'));
  const told = dialect.read(line({ id: 't1', result: { stopReason: 'end_turn' } })).events;
  expect(told.find(({ kind }) => kind === 'turn_ended')).toMatchObject({ outcome: 'completed', text: 'of now' });
});

it('says where the agent cannot, and asks it for nothing', () => {
  const told = asked().read(initialized({ loadSession: true }));
  expect(told.lines).toEqual([]);
  expect(told.events.find(({ kind }) => kind === 'turn_ended')).toMatchObject({ turn: 't1', outcome: 'failed' });
});

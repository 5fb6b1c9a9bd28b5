import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionSpec } from '#agent-ports.ts';
import { connectSocket } from '#cli/socket-client.ts';
import { PRIMER, REMINDER, UNCONFIRMED } from '#host/agent-words.ts';
import { agentSocketPath } from '#host/agent-socket-path.ts';
import { stateDirOf } from '#socket-path.ts';
import { ScriptedDriver } from './scripted-driver.ts';
import type { Turn } from './scripted-driver.ts';
import type { Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';

/** Nobody who counts tokens gets more of them out of English. */
const BYTES_PER_TOKEN = 3;
const PRIMER_MAX_TOKENS = 600;

let swarm: TestSwarm | undefined;
afterEach(() => swarm?.close());

async function start(
  turn: Turn,
  o: { askTimeoutMs?: number } = {},
): Promise<{ node: Member; driver: ScriptedDriver; agent: string }> {
  swarm = new TestSwarm();
  const driver = new ScriptedDriver(turn);
  const node = await swarm.add({ drivers: [driver], ...o });
  const made = await node.post('/api/swarm/agents', { name: 'ann', tool: 'true', drive: 'protocol' });
  return { node, driver, agent: String(made['id']) };
}

const task = async (node: Member, more: object = {}): Promise<string> =>
  String((await node.post('/api/swarm/tasks', { title: 'Do it', attempts_max: 1, ...more }))['id']);

const secretsOf = (spec: SessionSpec): { token: string; socket: string } => {
  const { SKEP_MCP_TOKEN: token = '', SKEP_MCP_SOCKET: socket = '' } = spec.servers[0]?.env ?? {};
  return { token, socket };
};

async function asked(
  spec: SessionSpec,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const { token, socket } = secretsOf(spec);
  const client = await connectSocket(socket, token);
  try {
    return await client.call({ method, path, body });
  } finally {
    client.close();
  }
}

const call = (spec: SessionSpec, tool: string, args: object = {}) => asked(spec, 'POST', `/api/tools/${tool}`, args);

describe('an attempt of an agent that has the tools of skep', () => {
  it('is completed by task_complete through skep mcp, with the summary as its result', async () => {
    const told: unknown[] = [];
    const { node, driver } = await start(async ({ spec }) => {
      const [server] = spec.servers;
      const [command = '', ...args] = server?.command ?? [];
      const client = new Client({ name: 'test', version: '1' });
      await client.connect(
        new StdioClientTransport({ command, args, env: { PATH: process.env['PATH'] ?? '', ...server?.env } }),
      );
      told.push((await client.listTools()).tools.map(({ name }) => name));
      told.push(await client.callTool({ name: 'task_progress', arguments: { text: 'half way' } }));
      told.push(await client.callTool({ name: 'task_complete', arguments: { summary: 'All is well.' } }));
      told.push(await client.callTool({ name: 'task_complete', arguments: { summary: 'Again.' } }));
      told.push(await client.callTool({ name: 'task_complete', arguments: {} }));
      await client.close();
      return 'bye';
    });
    const ended = await node.ended(await task(node));
    expect(ended).toMatchObject({ status: 'completed', result: 'All is well.' });
    expect(told[0]).toContain('task_needs_input');
    expect(told[1]).toMatchObject({ content: [{ text: 'Noted.' }] });
    expect(told[3]).toMatchObject({ content: [{ text: expect.stringMatching(/complete already/) }] });
    expect(told[4]).toMatchObject({ isError: true });
    expect(driver.prompts).toHaveLength(1);
    expect(driver.specs[0]?.instructions).toBe(PRIMER);
  });

  it('is reminded once, and its end says that the agent did not confirm it', async () => {
    const { node, driver } = await start(async ({ number }) => `words ${number}`);
    const ended = await node.ended(await task(node));
    expect(ended).toMatchObject({ status: 'completed', result: `words 2\n\n${UNCONFIRMED}` });
    expect(driver.prompts.slice(1)).toEqual([REMINDER]);
  });

  it('takes what the agent says after the reminder', async () => {
    const { node, driver } = await start(async ({ spec, number }) => {
      if (number === 2) await call(spec, 'task_complete', { summary: 'Now it is.' });
      return '';
    });
    expect(await node.ended(await task(node))).toMatchObject({ status: 'completed', result: 'Now it is.' });
    expect(driver.prompts).toHaveLength(2);
  });

  it('stands by the word of the agent also when its turn then fails', async () => {
    const { node } = await start(async ({ spec }) => {
      await call(spec, 'task_complete', { summary: 'Done before.' });
      throw new Error('the model is gone');
    });
    expect(await node.ended(await task(node))).toMatchObject({ status: 'completed', result: 'Done before.' });
  });

  it('fails with the reason of task_failed, whatever is said later', async () => {
    const { node } = await start(async ({ spec }) => {
      await call(spec, 'task_failed', { reason: 'It cannot be done.' });
      const { body } = await call(spec, 'task_complete', { summary: 'No, it can.' });
      return JSON.stringify(body);
    });
    const ended = await node.ended(await task(node));
    expect(ended).toMatchObject({ status: 'failed', reason: 'script_failed', error: 'It cannot be done.' });
  });

  it('fails as refused with its question where nobody can be asked', async () => {
    const asks: Turn = async ({ spec }) => {
      await call(spec, 'task_needs_input', { question: 'Blue or red?' });
      return '';
    };
    const { node, driver } = await start(asks, { askTimeoutMs: 0 });
    const ended = await node.ended(await task(node));
    expect(ended).toMatchObject({
      status: 'failed',
      reason: 'refused',
      error: expect.stringContaining('Blue or red?'),
    });
    expect(driver.prompts).toHaveLength(1);
    expect(driver.specs.at(-1)?.turnLimitMs).toBe(30 * 60_000);
  });

  it('hears what a person answers to its question, as its next message', async () => {
    const { node, driver } = await start(async ({ spec, number }) => {
      if (number === 1) await call(spec, 'task_needs_input', { question: 'Blue or red?' });
      else await call(spec, 'task_complete', { summary: 'Painted.' });
      return '';
    });
    const id = await task(node);
    const [question] = await node.until(async () => {
      const open = await node.list('/api/approvals?state=open');
      return open.length === 1 ? open : undefined;
    });
    expect(question).toMatchObject({ kind: 'question', tool: 'task_needs_input', detail: 'Blue or red?', task_id: id });
    await node.post(`/api/approvals/${String(question?.['id'])}`, { decision: 'allow', note: 'Red, please.' });
    expect(await node.ended(id)).toMatchObject({ status: 'completed', result: 'Painted.' });
    expect(driver.prompts.at(-1)).toContain('Red, please.');
    expect(driver.specs.at(-1)?.turnLimitMs).toBe(60 * 60_000);
  });

  it('refuses in words what is said of an attempt that has ended', async () => {
    const { node, driver } = await start(async () => '');
    await node.ended(await task(node));
    const [spec] = driver.specs;
    if (spec === undefined) throw new Error('no session was opened');
    const late = await call(spec, 'task_complete', { summary: 'Late.' });
    expect(late).toMatchObject({ status: 409, body: { code: 'fenced', error: expect.stringContaining('has ended') } });
  });

  it('knows its agent again after a restart, and what it said', async () => {
    const release = Promise.withResolvers<void>();
    const { node, driver } = await start(async ({ spec, number }) => {
      if (number === 2) {
        await call(spec, 'task_complete', { summary: 'Before the restart.' });
        begun.resolve(spec);
        await release.promise;
      }
      return '';
    });
    const begun = Promise.withResolvers<SessionSpec>();
    const id = await task(node);
    const spec = await begun.promise;
    await node.running.close();
    await expect(call(spec, 'task_progress', { text: 'alone' })).rejects.toThrow(/does not answer/);
    await node.restart();
    await node.until(async () => ((await node.task(id))['status'] === 'in_progress' ? true : undefined));
    expect(await call(spec, 'task_progress', { text: 'still here' })).toMatchObject({ status: 200 });
    release.resolve();
    expect(await node.ended(id)).toMatchObject({ status: 'completed', result: 'Before the restart.', attempt: 1 });
    expect(driver.prompts).toHaveLength(2);
    expect(driver.specs[1]?.servers).toEqual(driver.specs[0]?.servers);
  });
});

describe('the secret of an attempt', () => {
  it('opens the tools and nothing else', async () => {
    const answers: { status: number }[] = [];
    const { node } = await start(async ({ spec }) => {
      const { token, socket } = secretsOf(spec);
      answers.push(await asked(spec, 'GET', '/api/swarm/tasks'));
      answers.push(await asked(spec, 'POST', '/api/tokens', { name: 'mine', role: 'operator' }));
      const http = await fetch(`${node.running.httpUrl}/api/join-code`, {
        headers: { authorization: `Bearer ${token}` },
      });
      answers.push({ status: http.status });
      const other = await connectSocket(socket, 'skep_attempt_guessed');
      answers.push(await other.call({ method: 'POST', path: '/api/tools/agents_list', body: {} }));
      other.close();
      const none = await connectSocket(socket);
      answers.push(await none.call({ method: 'POST', path: '/api/tools/agents_list', body: {} }));
      none.close();
      await call(spec, 'task_complete', { summary: 'Tried.' });
      return '';
    });
    await node.ended(await task(node));
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 409, 401]);
  });

  it('lies in one file of the node, for its user alone, until the attempt is over', async () => {
    const seen: number[] = [];
    const { node, driver } = await start(async ({ spec }) => {
      const directory = join(stateDirOf(node.options.dataDir, node.options.p2pPort), 'completions');
      for (const name of await readdir(directory)) seen.push(statSync(join(directory, name)).mode & 0o777);
      await call(spec, 'task_complete', { summary: 'Looked.' });
      return '';
    });
    const id = await task(node);
    await node.ended(id);
    const [spec] = driver.specs;
    if (spec === undefined) throw new Error('no session was opened');
    const { token } = secretsOf(spec);
    expect(seen).toEqual([0o600]);
    expect(JSON.stringify(await node.list(`/api/swarm/tasks/${id}/timeline`))).not.toContain(token);
    expect(swarm?.log.join('\n')).not.toContain(token);
    expect(Object.values(spec.env)).not.toContain(token);
    expect(spec.servers[0]?.command.join(' ')).not.toContain(token);
  });

  it('lies where a node of a long path has its socket, too', () => {
    expect(agentSocketPath(`/${'x'.repeat(200)}`)).toMatch(/^\/tmp\/skep-/);
  });
});

describe('a task that an agent makes', () => {
  it('bears its agent, and waits until an operator allows it', async () => {
    let made: unknown;
    const { node, agent } = await start(async ({ spec, number }) => {
      if (made === undefined) made = (await call(spec, 'task_create', { title: 'More', description: 'Do more.' })).body;
      await call(spec, 'task_complete', { summary: `Turn ${number}.` });
      return '';
    });
    await node.ended(await task(node));
    expect(made).toMatchObject({ text: expect.stringMatching(/^Created task .*waits until an operator allows it/) });
    const [child] = (await node.list('/api/swarm/tasks')).filter((one) => one['title'] === 'More');
    expect(child).toMatchObject({
      status: 'pending',
      created_by: agent,
      pending_reason: expect.stringMatching(/^needs_allow/),
    });
    await node.post(`/api/swarm/tasks/${String(child?.['id'])}/allow`, {});
    expect(await node.ended(String(child?.['id']))).toMatchObject({ status: 'completed' });
  });
});

describe('the primer', () => {
  it('is at most 600 tokens', () => {
    expect(Buffer.byteLength(PRIMER) / BYTES_PER_TOKEN).toBeLessThanOrEqual(PRIMER_MAX_TOKENS);
  });
});

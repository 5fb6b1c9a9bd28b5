/** Changes a swarm steadily until it is stopped: creates a task and cancels an older one, in turns, so many a second. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inputOf } from './window.ts';

/** Tasks that are open at once before the oldest is cancelled. */
const OPEN = 50;

const { url, token, perSecond } = inputOf<{ url: string; token: string; perSecond: number }>();

async function post(path: string, body?: unknown): Promise<Record<string, unknown>> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const json: Record<string, unknown> = JSON.parse(await answer.text());
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(json)}`);
  return json;
}

const open: string[] = [];
const step = async (n: number): Promise<void> => {
  const oldest = n % 2 === 0 && open.length > OPEN ? open.shift() : undefined;
  if (oldest !== undefined) {
    await post(`/api/swarm/tasks/${oldest}/cancel`);
    return;
  }
  const wanted = { title: `Look into report ${n}`, required_capabilities: ['nobody-has-this'], priority: n % 10 };
  open.push(String((await post('/api/swarm/tasks', wanted))['id']));
};

process.stdout.write(`${JSON.stringify({ port: 0 })}\n`);
const began = performance.now();
for (let n = 0; ; n += 1) {
  const dueMs = (n / perSecond) * 1000 - (performance.now() - began);
  if (dueMs > 0) await sleep(dueMs);
  await step(n);
}

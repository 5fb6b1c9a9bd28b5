/** Creates tasks over HTTP with autocannon: 32 connections, no pipelining. Any answer but 201 fails the run. */
import autocannon from 'autocannon';
import { inputOf } from './window.ts';

const CONNECTIONS = 32;
const TASK = {
  title: 'Make the parser accept trailing commas',
  description:
    'The parser refuses trailing commas in lists. Accept them, add a test for lists and maps, and run the suite.',
  priority: 5,
  required_capabilities: ['typescript', 'shell'],
  context: 'src/parser.ts, test/parser.test.ts',
  created_by: 'bench',
};

const input = inputOf<{ url: string; token: string; seconds: number }>();
const result = await autocannon({
  url: `${input.url}/api/swarm/tasks`,
  method: 'POST',
  connections: CONNECTIONS,
  duration: input.seconds,
  headers: { 'content-type': 'application/json', authorization: `Bearer ${input.token}` },
  body: JSON.stringify(TASK),
});
const wrong = result.non2xx + result.errors + result.timeouts;
if (wrong > 0) throw new Error(`${wrong} requests were not answered with success`);
const figures = {
  done: true,
  opsPerSecond: result['2xx'] / result.duration,
  opsAll: result['2xx'],
  p50Ms: result.latency.p50,
  p99Ms: result.latency.p99,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);

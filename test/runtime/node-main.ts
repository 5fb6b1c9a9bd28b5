/** A node in a process of its own, to be killed: `node node-main.ts DIRECTORY ID SCRIPT`. Says `started` once the process runs. */
import { tmpdir } from 'node:os';
import { parsedProcId } from '#core/brand.ts';
import { LocalRuntime } from '#runtime/local.ts';

const [directory = '', id = '', text = ''] = process.argv.slice(2);
const runtime = new LocalRuntime({ directory });
const proc = await runtime.start({
  id: parsedProcId(id),
  argv: ['bash', '-c', text],
  cwd: tmpdir(),
  env: { PATH: process.env['PATH'] ?? '' },
  outboxMaxBytes: 1024 * 1024,
});
await proc.write('from the first node');
process.stdout.write('started\n');

/** The same by a stream of Redis: XADD, a group that reads and blocks, XACK. */
import { createClient } from 'redis';
import type { FlowSpec } from './mail-flow.ts';
import { BATCH, runFlow } from './mail-flow.ts';
import { inputOf } from './window.ts';

const input = inputOf<FlowSpec & { socket: string; stream: string }>();
const client = () => createClient({ socket: { path: input.socket, tls: false } }).connect();
const [sender, reader, saying] = [await client(), await client(), await client()];
const { stream } = input;
await sender.xGroupCreate(stream, 'readers', '$', { MKSTREAM: true });

type Entry = { id: string; message: Record<string, string> };

await runFlow(input, {
  send: async (body) => void (await sender.xAdd(stream, '*', { body })),
  read: async () => {
    const options = { BLOCK: 180_000, COUNT: BATCH };
    const streams: unknown = await reader.xReadGroup('readers', 'one', { key: stream, id: '>' }, options);
    const entries = entriesOf(streams);
    if (entries.length > 0)
      void saying.xAck(
        stream,
        'readers',
        entries.map(({ id }) => id),
      );
    return entries.map(({ message }) => message['body'] ?? '');
  },
});
process.exit(0);

function entriesOf(streams: unknown): Entry[] {
  const [first]: { messages: Entry[] }[] = Array.isArray(streams) ? streams : [];
  return first?.messages ?? [];
}

/** XADD to one stream, with the makers' own client: commands of one turn leave in one write. */
import { createClient } from 'redis';
import type { WindowSpec } from './window.ts';
import { inputOf, PAYLOAD, runWindow } from './window.ts';

const input = inputOf<WindowSpec & { socket: string; stream: string }>();
const client = await createClient({ socket: { path: input.socket, tls: false } }).connect();

await runWindow(input, async () => {
  await client.xAdd(input.stream, '*', { content: PAYLOAD, author: 'bench' });
});
await client.del(input.stream);
await client.close();

/** Posts through the admin socket of a node. */
import { AdminClient } from './admin.ts';
import type { WindowSpec } from './window.ts';
import { inputOf, PAYLOAD, runWindow } from './window.ts';

const input = inputOf<WindowSpec & { socket: string }>();
const client = await AdminClient.open(input.socket);

await runWindow(input, async () => {
  await client.must(201, 'POST', '/api/posts', { content: PAYLOAD, author: 'bench' });
});
client.close();

/** From one agent of a node to another, each at its own socket. */
import type { FlowSpec } from './mail-flow.ts';
import { BATCH, runFlow } from './mail-flow.ts';
import { MailLine } from './mail-lines.ts';
import { inputOf } from './window.ts';

const input = inputOf<FlowSpec & { from: string; to: string; name: string }>();
const [sender, reader] = [await MailLine.open(input.from), await MailLine.open(input.to)];
let handled: string[] = [];
let next = reader.ask({ cmd: 'recv', wait_seconds: 180, max: BATCH });

await runFlow(input, {
  send: async (body) => void (await sender.ask({ cmd: 'send', to: input.name, body })),
  read: async () => {
    const messages = (await next).messages ?? [];
    handled = messages.map(({ id }) => id);
    void reader.ask({ cmd: 'ack', ids: handled });
    next = reader.ask({ cmd: 'recv', wait_seconds: 180, max: BATCH });
    return messages.map(({ body }) => body);
  },
});
process.exit(0);

/** From one agent of a node to another, each at its own socket. Two reads are under way, as the socket lets: while one is handled the next is on its way. */
import type { FlowSpec } from './mail-flow.ts';
import { BATCH, runFlow } from './mail-flow.ts';
import type { MailAnswer } from './mail-lines.ts';
import { MailLine } from './mail-lines.ts';
import { inputOf } from './window.ts';

const input = inputOf<FlowSpec & { from: string; to: string; name: string }>();
const [sender, reader] = [await MailLine.open(input.from), await MailLine.open(input.to)];
const take = (): Promise<MailAnswer> => reader.ask({ cmd: 'recv', wait_seconds: 180, max: BATCH / 2 });
const underWay = [take(), take()];

await runFlow(input, {
  send: async (body) => void (await sender.ask({ cmd: 'send', to: input.name, body })),
  read: async () => {
    const messages = (await underWay.shift())?.messages ?? [];
    if (messages.length > 0) void reader.ask({ cmd: 'ack', ids: messages.map(({ id }) => id) });
    underWay.push(take());
    return messages.map(({ body }) => body);
  },
});
process.exit(0);

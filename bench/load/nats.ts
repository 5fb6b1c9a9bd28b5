/** Publishes to a JetStream stream on files and waits for each acknowledgement, with the makers' own client: it flushes by turn. */
import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { WindowSpec } from './window.ts';
import { inputOf, PAYLOAD, runWindow } from './window.ts';

const input = inputOf<WindowSpec & { url: string; stream: string }>();
const connection = await connect({ servers: input.url });
const manager = await jetstreamManager(connection);
await manager.streams.add({ name: input.stream, subjects: [`${input.stream}.>`], storage: StorageType.File });
const stream = jetstream(connection);
const payload = new TextEncoder().encode(PAYLOAD);
const subject = `${input.stream}.post`;

await runWindow(input, async () => {
  await stream.publish(subject, payload);
});
await manager.streams.delete(input.stream);
await connection.close();

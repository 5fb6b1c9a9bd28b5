/**
 * One decision a key: "create if it is not there", in etcd's own gRPC over HTTP/2, spread over all members. Written by hand (two messages), because
 * the client libraries bring packages that run scripts when they are installed; and it costs less of the shared cores than they do.
 */
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:http2';
import type { CountSpec } from './window.ts';
import { inputOf, PAYLOAD, runCount } from './window.ts';

const PATH = '/etcdserverpb.KV/Txn';
/** Wire types of protobuf. */
const VARINT = 0;
const BYTES = 2;
/** `CompareTarget.CREATE` of etcd's rpc.proto; the result `EQUAL` is the default. */
const CREATE = 1;

const tag = (field: number, wire: number): number => (field << 3) | wire;

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left >>>= 7) {
    if (left < 0x80) return [...bytes, left];
    bytes.push((left & 0x7f) | 0x80);
  }
}

const number = (field: number, value: number): Buffer => Buffer.from([tag(field, VARINT), ...varint(value)]);
const bytes = (field: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([tag(field, BYTES), ...varint(content.length)]), content]);

/** `TxnRequest`: if the key's create revision is 0, put it. */
function createIfAbsent(key: string, value: string): Buffer {
  const name = Buffer.from(key);
  const compare = Buffer.concat([number(2, CREATE), bytes(3, name), number(5, 0)]);
  const put = Buffer.concat([bytes(1, name), bytes(2, Buffer.from(value))]);
  const message = Buffer.concat([bytes(1, compare), bytes(2, bytes(2, put))]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** `TxnResponse.succeeded`: field 2, behind the header, which is field 1. */
function succeeded(answer: Buffer): boolean {
  const message = answer.subarray(5);
  const header = message[0] === tag(1, BYTES) ? 2 + (message[1] ?? 0) : 0;
  return message[header] === tag(2, VARINT) && message[header + 1] === 1;
}

function ask(session: ClientHttp2Session, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = { ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request(headers);
    const chunks: Buffer[] = [];
    let status: unknown;
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('trailers', (trailers) => {
      status = trailers['grpc-status'];
    });
    stream.on('error', reject);
    stream.on('close', () =>
      status === '0' ? resolve(Buffer.concat(chunks)) : reject(new Error(`grpc-status ${String(status)}`)),
    );
    stream.end(body);
  });
}

const input = inputOf<CountSpec & { hosts: string[]; prefix: string }>();
const sessions = input.hosts.map((host) => connect(`http://${host}`));

await runCount(input, async (n) => {
  const session = sessions[n % sessions.length];
  if (session === undefined) throw new Error('no host to ask');
  const key = `${input.prefix}/${n}`;
  if (!succeeded(await ask(session, createIfAbsent(key, PAYLOAD)))) throw new Error(`${key} was there already`);
});
for (const session of sessions) session.close();

/** A hub over a fake node, and clients that know only AgentChat's protocol. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpId } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import { opId } from '#core/op.ts';
import type { Door } from '#door/door.ts';
import { openDoor } from '#door/door.ts';
import type { HubDoor, HubOptions } from '#door/hub/serve.ts';
import { startHub } from '#door/hub/serve.ts';
import { Tokens } from '#door/tokens.ts';
import { present } from '../../core/writer.ts';
import { FakeNode, SELF } from '../fake-node.ts';
import { WsClient } from '../ws-client.ts';

export const TOKEN = 'skep_test_operator';

export type Key = { publicKey: string; privateKey: KeyObject; id: string };

export function makeKey(): Key {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { publicKey: pem, privateKey, id: `@${createHash('sha256').update(pem).digest('hex').slice(0, 16)}` };
}

export const signed = (key: Key, text: string): string =>
  sign(null, Buffer.from(text), key.privateKey).toString('base64');

/** Far more than a loaded machine takes. */
const GONE_MAX_MS = 60_000;

type Frame = Record<string, unknown>;

export class Chatter {
  readonly client: WsClient;
  id = '';

  constructor(client: WsClient) {
    this.client = client;
  }

  say(frame: Frame): void {
    this.client.socket.send(JSON.stringify(frame));
  }

  /** The next frame of that type; those before it are left out. */
  async hear(type: string): Promise<Frame> {
    for (;;) {
      const frame = await this.client.next();
      if (frame['type'] === type) return frame;
    }
  }

  /** The next frame, whatever it is, without its time. */
  async next(): Promise<Frame> {
    const { ts: _ts, ...frame } = await this.client.next();
    return frame;
  }

  async ask(frame: Frame, answer: string): Promise<Frame> {
    this.say(frame);
    return this.hear(answer);
  }

  /** Logs in by key; gives the frame that ended it. */
  async login(
    key: Key,
    o: { name?: string; invite?: string; after?: string; skewMs?: number; nowMs: number },
  ): Promise<Frame> {
    this.say({ type: 'IDENTIFY', name: o.name ?? 'ann', pubkey: key.publicKey, invite: o.invite });
    const challenge = await this.client.next();
    if (challenge['type'] !== 'CHALLENGE') return challenge;
    const timestamp = o.nowMs + (o.skewMs ?? 0);
    const { challenge_id: id, nonce } = challenge;
    const signature = signed(key, `AGENTCHAT_AUTH|${String(nonce)}|${String(id)}|${timestamp}`);
    this.say({ type: 'VERIFY_IDENTITY', challenge_id: id, signature, timestamp, after: o.after });
    this.id = key.id;
    return this.client.next();
  }
}

export class HubRig {
  readonly node: FakeNode;
  readonly hub: HubDoor;
  readonly door: Door;
  readonly faults: unknown[];
  private readonly dir: string;
  private readonly clients: Chatter[] = [];

  private constructor(o: { node: FakeNode; hub: HubDoor; door: Door; faults: unknown[]; dir: string }) {
    this.node = o.node;
    this.hub = o.hub;
    this.door = o.door;
    this.faults = o.faults;
    this.dir = o.dir;
  }

  static async start(o: Partial<HubOptions> & { node?: FakeNode } = {}): Promise<HubRig> {
    const node = o.node ?? new FakeNode();
    if (o.node === undefined) await node.register(SELF, 'hive');
    const dir = await mkdtemp(join(tmpdir(), 'skep-hub-'));
    const tokens = await Tokens.open({ dataDir: dir, now: node.now, environmentToken: TOKEN });
    const faults: unknown[] = [];
    const door = openDoor({ node, tokens, now: node.now, onFault: (error) => faults.push(error) });
    const hub = await startHub({ door, port: 0, bind: '127.0.0.1', isOpen: true, messageMs: 0, ...o });
    return new HubRig({ node, hub, door, faults, dir });
  }

  async connect(): Promise<Chatter> {
    const chatter = new Chatter(await WsClient.connect(this.hub.url));
    this.clients.push(chatter);
    return chatter;
  }

  /** Logged in without a key. */
  async guest(name: string, ...channels: string[]): Promise<Chatter> {
    const chatter = await this.connect();
    chatter.id = String((await chatter.ask({ type: 'IDENTIFY', name }, 'WELCOME'))['agent_id']);
    for (const channel of channels) await chatter.ask({ type: 'JOIN', channel }, 'JOINED');
    return chatter;
  }

  async member(key: Key, name: string, ...channels: string[]): Promise<Chatter> {
    const chatter = await this.connect();
    const welcome = await chatter.login(key, { name, nowMs: this.node.now() });
    if (welcome['type'] !== 'WELCOME') throw new Error(JSON.stringify(welcome));
    for (const channel of channels) await chatter.ask({ type: 'JOIN', channel }, 'JOINED');
    return chatter;
  }

  /** An agent of the swarm, at the node of the hub. */
  async agent(name: string): Promise<OpId> {
    const body = {
      type: 'agent.registered' as const,
      name,
      tool: 'claude',
      capabilities: new Array<string>(),
      projectPath: null,
      tmuxSessionId: null,
      maxConcurrentTasks: 1,
    };
    const [made] = await this.node.commit(SELF, [{ entity: undefined, by: userPrincipal('ada'), body }]);
    return opId(present(made).op);
  }

  /** The hub has seen that this one left; its client's word alone says only that it hung up. */
  async untilGone(id: string): Promise<void> {
    const endMs = performance.now() + GONE_MAX_MS;
    while (this.door.hub.open?.shownOf(id).name !== undefined) {
      if (performance.now() > endMs) throw new Error(`${id} is still here`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    for (const { client } of this.clients) client.socket.terminate();
    await this.hub.close();
    this.door.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}

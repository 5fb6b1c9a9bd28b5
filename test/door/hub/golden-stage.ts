/** Plays the scenes of `golden.txt`: what each line means. */
import assert from 'node:assert/strict';
import type { Chatter, Key, HubRig } from './hub-rig.ts';
import { makeKey, signed, TOKEN } from './hub-rig.ts';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** One scene: who is there, and what every word stands for. */
export class Stage {
  private readonly rig: HubRig;
  private readonly people = new Map<string, Chatter>();
  private readonly words = new Map<string, unknown>();
  private readonly key: Key = makeKey();

  constructor(rig: HubRig) {
    this.rig = rig;
    const known = { pem: this.key.publicKey, key: this.key.id, operator: TOKEN, now: rig.node.now() };
    for (const [word, value] of Object.entries(known)) this.words.set(word, value);
  }

  async play(line: string): Promise<void> {
    const [who = '', verb = ''] = line.split(' ', 2);
    const rest = line.slice(who.length + verb.length + 2);
    const one = await this.person(who);
    if (verb === '>') one.say(withTextContent(this.filled(JSON.parse(rest))));
    else if (verb === '<') this.match(JSON.parse(rest), withJsonContent(await one.next()), line);
    else if (line.endsWith('leaves')) await this.leave(who, one);
    else if (verb === 'waits') this.rig.node.wallMs += Number(rest);
    else if (line.endsWith('is a guest')) await this.guest(who, one);
    else if (line.endsWith('hangs up')) one.client.socket.close();
    else if (line.endsWith('logs in')) await one.login(this.key, { name: who, nowMs: this.rig.node.now() });
    else if (verb === 'joins') await one.ask({ type: 'JOIN', channel: rest }, 'JOINED');
    else if (rest.startsWith('closed')) assert.equal((await one.client.closed).code, Number(rest.split(' ')[1]), line);
    else throw new Error(`no such line: ${line}`);
  }

  private async guest(name: string, one: Chatter): Promise<void> {
    this.words.set(name, (await one.ask({ type: 'IDENTIFY', name }, 'WELCOME'))['agent_id']);
  }

  /** Its connection ends, and the hub has seen it. */
  private async leave(name: string, one: Chatter): Promise<void> {
    one.client.socket.close();
    await one.client.closed;
    this.people.delete(name);
    await this.rig.untilGone(this.key.id);
  }

  private async person(name: string): Promise<Chatter> {
    const held = this.people.get(name) ?? (await this.rig.connect());
    this.people.set(name, held);
    return held;
  }

  private filled(json: Json): Record<string, unknown> {
    const value = this.fill(json);
    if (typeof value !== 'object' || value === null) throw new Error('a frame is an object');
    return { ...value };
  }

  private fill(json: Json): unknown {
    if (Array.isArray(json)) return json.map((one) => this.fill(one));
    if (typeof json === 'object' && json !== null)
      return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, this.fill(value)]));
    const sign = typeof json === 'string' ? /^\$sign\((.*)\)$/.exec(json) : null;
    if (sign !== null)
      return signed(
        this.key,
        (sign[1] ?? '').replaceAll(/\$(\w+)/g, (_all, word: string) => String(this.words.get(word))),
      );
    if (typeof json !== 'string') return json;
    if (/^\$\w+$/.test(json)) return this.words.get(json.slice(1));
    return json.replaceAll(/\$(\w+)/g, (_all, word: string) => String(this.words.get(word)));
  }

  /** The frame has these fields and no others. */
  private match(wanted: Json, got: unknown, line: string): void {
    this.learn(wanted, got);
    assert.deepEqual(got, this.fill(wanted), `${line}\n${JSON.stringify(got)}`);
  }

  private learn(wanted: Json, got: unknown): void {
    if (typeof wanted === 'string' && /^\$\w+$/.test(wanted)) {
      const word = wanted.slice(1);
      assert.notEqual(got, undefined, `${wanted} stands for nothing`);
      if (!this.words.has(word)) this.words.set(word, got);
    } else if (typeof wanted === 'object' && wanted !== null && typeof got === 'object' && got !== null)
      for (const [name, value] of Object.entries(wanted)) this.learn(value, Reflect.get(got, name));
  }
}

/** Files are spoken of in JSON within a text; the fixture has it as it is meant. */
const withTextContent = (frame: Record<string, unknown>): Record<string, unknown> =>
  typeof frame['content'] === 'object' ? { ...frame, content: JSON.stringify(frame['content']) } : frame;

function withJsonContent(frame: Record<string, unknown>): Record<string, unknown> {
  const { content } = frame;
  return typeof content === 'string' && content.startsWith('{"_ft"')
    ? { ...frame, content: JSON.parse(content) }
    : frame;
}

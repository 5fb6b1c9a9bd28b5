/** An agent whose turns call tools as the messages tell it: `call {"tool":…,"args":…}`, a line each. What they answered is its last word. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Json } from '../swarm.ts';
import { TurnStage } from './turn-stage.ts';

const CALL = /^> call (.*)$/gm;
const LOOK_EVERY_MS = 50;
const TRIES = 1_500;

export class CommandStage {
  readonly turns: TurnStage;
  #folder = '';

  static async open(): Promise<CommandStage> {
    let url = (): string => '';
    const turns = await TurnStage.open(async ({ prompt, spec }) => {
      const said: string[] = [];
      for (const [, text = ''] of prompt.matchAll(CALL)) {
        const { tool, args } = JSON.parse(text);
        const token = spec.servers[0]?.env['SKEP_MCP_TOKEN'] ?? '';
        const answer = await fetch(`${url()}/api/tools/${String(tool)}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify(args),
        });
        said.push(JSON.stringify(await answer.json()));
      }
      return said.join('\n');
    });
    url = () => turns.node.running.httpUrl;
    return new CommandStage(turns);
  }

  private constructor(turns: TurnStage) {
    this.turns = turns;
  }

  /** Bob, who may start any command; in that box, where one is given. */
  async bob(box?: Json): Promise<void> {
    const { node } = this.turns;
    if (box === undefined) await this.turns.agent('bob');
    else await node.post('/api/boxes', { name: 'bob', tool: 'true', capabilities: [], turns: 'on', ...box });
    await node.post('/api/rules', { effect: 'allow', tool: 'command_start', agent: 'bob' });
    this.#folder = dirname(String((await this.turns.turns('bob'))['notes_path']));
  }

  /** What the calls answered in one turn. */
  async call(...calls: readonly { tool: string; args: Json }[]): Promise<string[]> {
    const id = await this.turns.send('bob', calls.map((one) => `call ${JSON.stringify(one)}`).join('\n'));
    const answer = await this.until(async () =>
      (await this.turns.mail('to=operator')).find((one) => one['in_reply_to'] === id),
    );
    return String(answer['body']).split('\n');
  }

  async start(command: string, o: Json = {}): Promise<string> {
    const [said = ''] = await this.call({ tool: 'command_start', args: { command, ...o } });
    return said;
  }

  /** What the ends of its commands told it, the oldest first, when there are so many. */
  async events(count: number): Promise<string[]> {
    return this.until(async () => {
      const found = (await this.turns.mail('to=bob')).filter((one) => one['kind'] === 'event');
      return found.length >= count ? found.map((one) => String(one['body'])).toReversed() : undefined;
    });
  }

  async running(): Promise<unknown> {
    return (await this.turns.turns('bob'))['commands'];
  }

  touch(name: string): void {
    writeFileSync(join(this.#folder, name), '');
  }

  appears(name: string): Promise<true> {
    return this.until(async () => existsSync(join(this.#folder, name)) || undefined);
  }

  async until<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (let tries = 0; tries < TRIES; tries++) {
      const found = await look();
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    throw new Error(
      `in vain: ${JSON.stringify(await this.turns.turns('bob'))}\n${this.turns.swarm.log.slice(-30).join('\n')}`,
    );
  }
}

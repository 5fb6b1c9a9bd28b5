/** The panes of one tmux session, watched and typed into through one control client. */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import type { AgentScreen } from '#core/agent-terminal.ts';
import { SCREEN_MAX_CHARS } from '#core/schema/frame.ts';
import { ControlClient, quoted } from './control-client.ts';
import type { Press } from './keys.ts';
import type { Viewer } from './pane.ts';
import { Pane } from './pane.ts';
import type { Listed } from './pane-end.ts';
import { END, endIn, LISTED, listed } from './pane-end.ts';
import type { Tool } from './tool.ts';

/** How often panes that printed are gone through; half of what a person or a test could notice. Stands still while nothing prints. */
const SWEEP_MS = 25;
/** The answer to what was typed is looked for more often for so long. */
const HURRY_MS = 3_000;

/** Asked of tmux itself once a second, and told only when it changed: a program that ends prints nothing. */
const ENDS = `ends:%*:${END}`;
/** What tmux tells once can be lost, and its client can fall silent, so all panes are gone through so often, whatever was told. One command on the pipe. */
const LIST_MS = 10_000;
/** The name of the machine is what tmux shows while a program has set no title. */
const TITLE = '#{?#{||:#{==:#{pane_title},#{host}},#{==:#{pane_title},#{host_short}}},,#{pane_title}}';

/** Of the cursor and of the pane. */
const PLACE = '#{cursor_x} #{cursor_y} #{cursor_flag} #{pane_width} #{pane_height}';

export type TerminalOptions = {
  server: readonly string[];
  session: string;
  env: Readonly<Record<string, string>>;
  /** A window that is linked into fewer sessions was left behind by somebody who ended one of them: it is ended, too. */
  linksMin: number;
  /** Where texts lie while they are pasted, for this user alone. */
  pasteDirectory: string;
  now: () => number;
  /** Called once when the server, the session or the client ended. Its panes have ended, too, as far as this node can know. */
  onGone: (reason: string) => void;
};

export class Terminal {
  readonly #o: TerminalOptions;
  readonly #client: ControlClient;
  readonly #panes = new Map<number, Pane>();
  readonly #lists: NodeJS.Timeout;
  #sweep: NodeJS.Timeout | undefined;
  #isListing = false;
  #listAgain = false;

  /** Attaches at once; a session that is not there is told by `onGone`. */
  constructor(o: TerminalOptions) {
    this.#o = o;
    this.#client = new ControlClient({
      server: o.server,
      session: o.session,
      env: o.env,
      onOutput: (pane) => this.#printed(pane),
      onNotified: (line) => this.#notified(line),
      onGone: (reason) => this.#gone(reason),
    });
    this.#lists = setInterval(() => this.#panes.size > 0 && void this.#list(), LIST_MS).unref();
  }

  get isGone(): boolean {
    return this.#client.isGone;
  }

  /**
   * Watches a pane of the session, until it ends or {@link forget}. The same pane again is the same object. Where the client is gone meanwhile, so
   * is the pane: nobody would ever tell.
   */
  watch(number: number, tool: Tool): Pane {
    const held = this.#panes.get(number);
    if (held !== undefined) return held;
    const pane = new Pane({ number, tool, now: this.#o.now });
    if (this.isGone) {
      pane.ended({ how: 'gone', code: null, signal: null });
      return pane;
    }
    this.#panes.set(number, pane);
    this.#startSweep();
    return pane;
  }

  forget(pane: Pane): void {
    if (this.#panes.get(pane.number) === pane) this.#panes.delete(pane.number);
  }

  /** Commands of tmux, for whoever makes and ends sessions. */
  ask(line: string, answers?: number): Promise<string[]> {
    return this.#client.ask(line, answers);
  }

  /**
   * Types a text and then Enter. A text of several lines, and one that is to arrive as one, goes as a bracketed paste. False: nothing was typed,
   * because the program has ended. tmux 3.3a itself dies of a paste into a dead pane, so the server looks in the same breath.
   */
  async type(pane: Pane, text: string): Promise<boolean> {
    if (this.isGone || pane.seen?.end !== undefined) return false;
    if (!(await this.paste(pane, text))) return false;
    await sleep(pane.tool.enterDelayMs);
    return this.press(pane, ['Enter']);
  }

  /** Pastes a text, bracketed where the program asked for that. */
  async paste(pane: Pane, text: string): Promise<boolean> {
    if (this.isGone || pane.seen?.end !== undefined) return false;
    pane.hurry(HURRY_MS);
    this.#startSweep();
    const name = `skep-${randomBytes(6).toString('hex')}`;
    const file = join(this.#o.pasteDirectory, name);
    try {
      await writeFile(file, text, { mode: 0o600, flag: 'wx' });
      await this.ask(`load-buffer -b ${name} ${quoted(file)}`);
    } finally {
      await rm(file, { force: true });
    }
    // One command in either case: each of them is an answer of its own.
    const paste = quoted(`paste-buffer -p -r -d -b ${name} -t ${pane.id}`);
    const said = await this.ask(`if-shell -F -t ${pane.id} "#{pane_dead}" "display-message -p dead" ${paste}`, 2);
    if (said.includes('dead')) {
      await this.ask(`delete-buffer -b ${name}`);
      return false;
    }
    return true;
  }

  /** Presses keys, as tmux names them. Harmless in a dead pane. */
  async press(pane: Pane, keys: readonly string[]): Promise<boolean> {
    if (this.isGone || pane.seen?.end !== undefined) return false;
    pane.hurry(HURRY_MS);
    this.#startSweep();
    await this.ask(`send-keys -t ${pane.id} ${keys.map(quoted).join(' ')}`);
    return true;
  }

  /** Types what a person at the terminal does. Harmless in a dead pane. */
  async write(pane: Pane, presses: readonly Press[]): Promise<boolean> {
    if (this.isGone || pane.seen?.end !== undefined) return false;
    if (presses.length === 0) return true;
    pane.hurry(HURRY_MS);
    this.#startSweep();
    const commands = presses.map((one) =>
      'key' in one
        ? `send-keys -t ${pane.id} -- ${quoted(one.key)}`
        : `send-keys -l -t ${pane.id} -- ${quoted(one.text)}`,
    );
    await this.ask(commands.join(' ; '), commands.length);
    return true;
  }

  /** What the pane shows, in its colours; undefined where it is gone. */
  async screen(pane: Pane): Promise<AgentScreen | undefined> {
    if (this.isGone || pane.seen?.end?.how === 'gone') return undefined;
    const look = `capture-pane -p -e -t ${pane.id}`;
    const lines = await this.ask(`${look} ; display-message -p -t ${pane.id} ${quoted(PLACE)}`, 2);
    const [x = 0, y = 0, isShown = 0, columns = 0, rows = 0] = (lines.pop() ?? '').split(' ').map(Number);
    const cursor = isShown === 1 ? ([x, y] as const) : null;
    const text = lines.slice(0, rows).join('\n');
    // A screen that fits no frame is shown without its colours.
    const plain = text.length > SCREEN_MAX_CHARS ? stripVTControlCharacters(text).slice(0, SCREEN_MAX_CHARS) : text;
    return { text: plain, columns, rows, cursor };
  }

  /** The newest lines, those that have scrolled away included where the program leaves them to tmux. */
  async lines(pane: Pane, count: number): Promise<string> {
    if (this.isGone || pane.seen?.end?.how === 'gone') return pane.seen?.text.trimEnd() ?? '';
    const lines = await this.ask(`capture-pane -p -S -${count} -t ${pane.id}`);
    const last = lines.findLastIndex((line) => line.trim() !== '');
    return lines
      .slice(0, last + 1)
      .slice(-count)
      .join('\n');
  }

  /** Stops watching; panes and server go on. Idempotent, bounded. */
  async close(): Promise<void> {
    clearInterval(this.#lists);
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    this.#panes.clear();
    await this.#client.close();
  }

  #printed(number: number): void {
    const pane = this.#panes.get(number);
    if (pane === undefined) return;
    pane.printed();
    this.#startSweep();
  }

  #startSweep(): void {
    this.#sweep ??= setInterval(() => this.#goThrough(), SWEEP_MS).unref();
  }

  #goThrough(): void {
    let isAnyDirty = false;
    for (const pane of this.#panes.values()) {
      if (!pane.isDirty) continue;
      isAnyDirty = true;
      if (pane.takeTurn()) void this.#capture(pane);
    }
    if (isAnyDirty) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  async #capture(pane: Pane): Promise<void> {
    const look = `capture-pane -p -t ${pane.id}`;
    try {
      const lines = pane.wantsTitle
        ? await this.ask(`${look} ; display-message -p -t ${pane.id} ${quoted(TITLE)}`, 2)
        : await this.ask(look);
      const title = pane.wantsTitle ? lines.pop() : undefined;
      if (pane.viewer?.isWatching() === true) await this.#show(pane, pane.viewer);
      pane.captured({ text: lines.join('\n'), title: title === '' ? undefined : title });
    } catch {
      pane.failed();
      // A pane that cannot be looked at is gone, or the client is; the list of panes tells which.
      void this.#list();
    }
  }

  async #show(pane: Pane, viewer: Viewer): Promise<void> {
    const screen = await this.screen(pane);
    if (screen !== undefined) viewer.show(screen);
  }

  /** Before the client is attached tmux refuses it: `no current client`. A client that is never told of ends must not go on as if nothing ended. */
  #subscribe(): void {
    this.#client.ask(`refresh-client -B ${quoted(ENDS)}`).catch(() => this.#client.close());
  }

  #notified(line: string): void {
    if (line.startsWith('%session-changed ')) this.#subscribe();
    const ends = /^%subscription-changed ends \S+ \S+ \S+ %(\d+) : (.*)$/.exec(line);
    if (ends !== null) {
      const end = endIn(ends[2] ?? '');
      if (end !== undefined) this.#panes.get(Number(ends[1]))?.ended(end);
    } else if (/^%(?:sessions-changed|window-close|layout-change)\b/.test(line)) void this.#list();
  }

  /** Panes that are not in the session any more are gone; those whose program ended may not have been told. */
  async #list(): Promise<void> {
    this.#listAgain = true;
    if (this.#isListing) return;
    this.#isListing = true;
    try {
      while (this.#listAgain && !this.isGone) {
        this.#listAgain = false;
        const format = quoted(LISTED);
        const lines = await this.ask(`list-panes -s -t ${quoted(`=${this.#o.session}`)} -F ${format}`);
        await this.#compare(new Map(lines.map(listed)));
      }
    } catch {
      // The client is gone, which is told by itself.
    } finally {
      this.#isListing = false;
    }
  }

  async #compare(there: ReadonlyMap<number, Listed>): Promise<void> {
    // Those that were watched when this was asked: a later one may be another life of the same pane.
    for (const pane of Array.from(this.#panes.values())) {
      const found = there.get(pane.number);
      if (found?.end !== undefined) pane.ended(found.end);
      if (found !== undefined && found.links >= this.#o.linksMin) continue;
      if (found !== undefined) await this.ask(`kill-window -t ${pane.id}`);
      this.#lose(pane);
    }
  }

  #lose(pane: Pane): void {
    this.#panes.delete(pane.number);
    pane.ended({ how: 'gone', code: null, signal: null });
  }

  #gone(reason: string): void {
    clearInterval(this.#lists);
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    for (const pane of this.#panes.values()) this.#lose(pane);
    this.#o.onGone(reason);
  }
}

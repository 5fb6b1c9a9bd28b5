/** What a screen says of the state of the agent on it. Pure: the same screen gives the same answer, so every screen seen once can be asked again. */
import type { AgentState } from '#agent-ports.ts';
import type { Condition, Rule, Tool, Zone } from './tool.ts';

/** Footers differ in height, and what is further up is history. */
const LINES_MAX = 30;
/** What a rule matched is shown to people, so it is cut. */
const EVIDENCE_MAX_CHARACTERS = 400;

/** `text`: the pane as plain text. `title`: undefined when it is not known, or the program has not set one. */
export type Screen = { text: string; title: string | undefined };

/** `rule`: the name of the one that fired, or why none did. `evidence`: what it found, a place and a text each. */
export type Detection = {
  state: AgentState;
  rule: string;
  evidence: { zone: string; text: string }[];
  /** The last turn was stopped before its end. */
  interrupted?: true;
};

/** The last lines that are not empty, without the blanks behind them: all that rules look at. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-LINES_MAX);

/** No rule that holds is `unknown`, which is never taken for idle. */
export function detect(tool: Tool, screen: Screen): Detection {
  const lines = linesOf(screen.text);
  const dead = lines.at(-1);
  // tmux writes it below whatever a program left, when the pane stays.
  if (dead !== undefined && /^Pane is dead\b/.test(dead))
    return { state: 'exited', rule: 'tmux says that the pane is dead', evidence: [{ zone: 'last:1', text: dead }] };
  if (lines.length === 0) return { state: 'starting', rule: 'the screen is empty', evidence: [] };
  const zones = new Zones(tool, { lines, title: screen.title });
  for (const rule of tool.rules) {
    const evidence = evidenceFor(rule, zones);
    if (evidence !== undefined)
      return { state: rule.state, rule: rule.name, evidence, ...(rule.interrupted ? { interrupted: true } : {}) };
  }
  return { state: 'unknown', rule: `none of the ${tool.rules.length} rules for ${tool.tool} holds`, evidence: [] };
}

/** One zone of a screen; undefined where the tool has no such zone, or the screen no such part. */
export function partOf(tool: Tool, o: { text: string; zone: string }): string | undefined {
  const zone = tool.zones[o.zone];
  return zone === undefined ? undefined : cut(linesOf(o.text), zone)?.join('\n');
}

function evidenceFor(rule: Rule, zones: Zones): Detection['evidence'] | undefined {
  if (rule.none.some((condition) => found(condition, zones) !== undefined)) return undefined;
  const evidence: Detection['evidence'] = [];
  for (const condition of rule.all) {
    const text = found(condition, zones);
    if (text === undefined) return undefined;
    evidence.push({ zone: condition.zone, text: text.slice(0, EVIDENCE_MAX_CHARACTERS) });
  }
  return evidence;
}

function found({ zone, pattern }: Condition, zones: Zones): string | undefined {
  const text = zones.text(zone);
  return text === undefined ? undefined : pattern.exec(text)?.[0];
}

class Zones {
  readonly #tool: Tool;
  readonly #o: { lines: readonly string[]; title: string | undefined };

  constructor(tool: Tool, o: { lines: readonly string[]; title: string | undefined }) {
    this.#tool = tool;
    this.#o = o;
  }

  /** Undefined: the screen has no such part. */
  text(name: string): string | undefined {
    if (name === 'title') return this.#o.title;
    if (name.startsWith('last:')) return this.#o.lines.slice(-Number(name.slice('last:'.length))).join('\n');
    if (name === 'lines') return this.#o.lines.join('\n');
    const zone = this.#tool.zones[name];
    if (zone === undefined) throw new Error(`the rules for ${this.#tool.tool} name a zone that is not there: ${name}`);
    return cut(this.#o.lines, zone)?.join('\n');
  }
}

function cut(lines: readonly string[], zone: Zone): readonly string[] | undefined {
  let left = lines;
  for (let n = zone.before?.fromEnd ?? 0; n > 0; n -= 1) {
    const at = left.findLastIndex((line) => zone.before?.match.test(line));
    if (at === -1) return undefined;
    left = left.slice(0, at);
  }
  const { after, from } = zone;
  if (after !== undefined) {
    const at = left.findLastIndex((line) => after.test(line));
    return at === -1 ? undefined : left.slice(at + 1);
  }
  if (from === undefined) return left;
  return left.slice(
    Math.max(
      left.findLastIndex((line) => from.test(line)),
      0,
    ),
  );
}

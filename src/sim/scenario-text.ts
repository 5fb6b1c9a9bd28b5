/** The words of scenarios. Steps stand on lines of their own or between semicolons; `#` begins a comment. */
type After = { event: string; task: string; attempt: string | undefined };

export type Step = { text: string; after: After | undefined } & (
  | { verb: 'create'; task: string; at: string; alias: string | null; needs: string[] }
  | { verb: 'cancel'; task: string; at: string }
  | { verb: 'cut' | 'heal'; between: string[] }
  | { verb: 'kill' | 'crash' | 'die' | 'start' | 'pause' | 'wake'; who: string }
  | { verb: 'wait'; minMs: number; maxMs: number }
  | { verb: 'settle' }
  | { verb: 'expect'; task: string; at: string | undefined; wanted: Record<string, string> }
);

/** `swarm 5 agents 1 voters 5 work 20s lease 120s`: the defaults are the product's, and work of 20 s. */
export type SwarmWords = { nodes: number; agents: number; voters: number; workMs: number; leaseMs: number };
const DEFAULTS: SwarmWords = { nodes: 5, agents: 1, voters: 5, workMs: 20_000, leaseMs: 120_000 };

/** `known`: every node holds the task. The others: some node, or an observer of the links, saw the first. */
const EVENTS = ['known', 'claim', 'accept', 'grant', 'start', 'end', 'over', 'report'];

/** Throws on a word that it does not know, with the step it stands in. */
export function readScenario(text: string): { swarm: SwarmWords; steps: Step[] } {
  const lines = text
    .replaceAll(/#.*$/gm, '')
    .split(/[;\n]/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const swarm = lines[0]?.startsWith('swarm ') === true ? swarmOf(lines.shift() ?? '') : DEFAULTS;
  return { swarm, steps: lines.map(stepOf) };
}

function swarmOf(line: string): SwarmWords {
  const [, nodes = '', ...rest] = line.split(/\s+/);
  const words = pairs(rest, line);
  return {
    nodes: Number(nodes),
    agents: Number(words['agents'] ?? DEFAULTS.agents),
    voters: Number(words['voters'] ?? DEFAULTS.voters),
    workMs: words['work'] === undefined ? DEFAULTS.workMs : secondsOf(words['work'], line),
    leaseMs: words['lease'] === undefined ? DEFAULTS.leaseMs : secondsOf(words['lease'], line),
  };
}

function stepOf(text: string): Step {
  const [said = '', afterText] = text.split(/\s*\bafter\s+/);
  const [verb = '', first = '', ...rest] = said.split(/\s+/);
  const base = { text, after: afterText === undefined ? undefined : afterOf(afterText, text) };
  switch (verb) {
    case 'create': {
      const { at = '0', as, needs } = pairs(rest, text);
      return { ...base, verb, task: first, at, alias: as ?? null, needs: needs?.split(',') ?? [] };
    }
    case 'cancel':
      return { ...base, verb, task: first, at: pairs(rest, text)['at'] ?? '0' };
    case 'cut':
    case 'heal':
      return { ...base, verb, between: first.split('-').filter((who) => who !== '') };
    case 'kill':
    case 'crash':
    case 'die':
    case 'start':
    case 'pause':
    case 'wake':
      return { ...base, verb, who: first };
    case 'wait': {
      const [low = '', high = low] = first.replace(/s$/, '').split('-');
      return {
        ...base,
        verb,
        minMs: secondsOf(low === '' ? '0' : low, text),
        maxMs: secondsOf(high === '' ? '0' : high, text),
      };
    }
    case 'settle':
      return { ...base, verb };
    case 'expect': {
      const [status = '', ...more] = rest;
      const { at, ...wanted } = pairs(more, text);
      return { ...base, verb, task: first, at, wanted: { status, ...wanted } };
    }
    default:
      throw new Error(`scenario: "${text}" begins with no verb that there is`);
  }
}

function afterOf(words: string, text: string): After {
  const [event = '', task = '', attempt] = words.split(/\s+/);
  if (!EVENTS.includes(event))
    throw new Error(`scenario: "${text}" waits for ${event}; there are ${EVENTS.join(', ')}`);
  return { event, task, attempt };
}

function pairs(words: readonly string[], text: string): Partial<Record<string, string>> {
  const found: Record<string, string> = {};
  for (let at = 0; at < words.length; at += 2) {
    const [name, value] = [words[at], words[at + 1]];
    if (name === undefined || value === undefined)
      throw new Error(`scenario: "${text}": ${name} stands without its value`);
    found[name] = value;
  }
  return found;
}

function secondsOf(word: string, text: string): number {
  const seconds = Number(word.replace(/s$/, ''));
  if (Number.isNaN(seconds)) throw new Error(`scenario: "${text}": ${word} is no time such as 20s`);
  return seconds * 1_000;
}

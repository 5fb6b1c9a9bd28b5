/** The script in a prompt: `<<stub [STEP, STEP, …]>>` says what the model does next. A test, or a person who tries skep, reads in one place what will happen. */
import { z } from 'zod';

const stepFields = z.object({
  /** The answer, streamed in `chunks` pieces, `delayMs` apart. */
  text: z.string().optional(),
  /** So often: a short script makes a long answer. */
  repeat: z.number().int().min(1).max(20_000_000).optional(),
  chunks: z.number().int().min(1).max(1_000).default(4),
  delayMs: z.number().int().min(0).max(60_000).default(5),
  thinking: z.string().optional(),
  /** Said before a tool is called. */
  preText: z.string().optional(),
  /** A shell command, by whichever tool for it the request offers. */
  bash: z.string().optional(),
  /** Any tool, or the first of several that the request offers. */
  tool: z.union([z.string(), z.array(z.string())]).optional(),
  input: z.unknown().optional(),
  /** Joined to the input of `bash`. */
  extra: z.record(z.string(), z.unknown()).optional(),
  /** Codex names the tools of an MCP server by server and tool. */
  namespace: z.string().optional(),
  /** The text of a custom tool's call, which has no JSON input. */
  custom: z.string().optional(),
  usage: z.object({ in: z.number().int().default(1_200), out: z.number().int().default(34) }).optional(),
  /** An HTTP error in place of an answer. */
  status: z.number().int().min(400).max(599).optional(),
  type: z.string().optional(),
  message: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  /** So often, for this prompt and step; afterwards `then`. */
  times: z.number().int().min(1).optional(),
  /** Says nothing for so many milliseconds, then closes the connection. */
  hang: z.number().int().min(0).max(3_600_000).optional(),
  /** Closes the connection in the middle of the answer. */
  drop: z.boolean().optional(),
});

export type Step = z.output<typeof stepFields> & { then?: Step | undefined };

const stepSchema: z.ZodType<Step> = stepFields.extend({
  // oxlint-disable-next-line unicorn/no-thenable -- a key of the script's language, and never a function
  get then() {
    return stepSchema.optional();
  },
});

const MARK = '<<stub';

export type Script = { kind: 'none' } | { kind: 'steps'; steps: readonly Step[] } | { kind: 'bad'; why: string };

/** The last script in a prompt; `bad` says what is wrong with it, for whoever wrote the prompt. */
export function scriptOf(prompt: string): Script {
  const at = prompt.lastIndexOf(MARK);
  if (at < 0) return { kind: 'none' };
  const list = balanced(prompt, prompt.indexOf('[', at));
  if (list === undefined) return { kind: 'bad', why: `${MARK} is not followed by a whole [list of steps]` };
  try {
    const steps = z.array(stepSchema).min(1).parse(JSON.parse(list));
    return { kind: 'steps', steps };
  } catch (error) {
    return { kind: 'bad', why: error instanceof z.ZodError ? z.prettifyError(error) : String(error) };
  }
}

/** From the bracket to its partner; brackets and `>>` inside of strings are text. */
function balanced(text: string, from: number): string | undefined {
  let depth = 0;
  let isText = false;
  for (let at = from; at >= 0 && at < text.length; at++) {
    const letter = text[at];
    if (isText) {
      if (letter === '\\') at += 1;
      else if (letter === '"') isText = false;
      continue;
    }
    if (letter === '"') isText = true;
    else if (letter === '[') depth += 1;
    else if (letter === ']' && --depth === 0) return text.slice(from, at + 1);
  }
  return undefined;
}

/** Said where a prompt has no script. */
const HEAD_CHARS = 60;
/** Answers a request that offers no tools: titles and summaries, which CLIs ask for by the way. */
const ASIDE = 'Scripted answer';

const say = (text: string): Step => ({ text, chunks: 4, delayMs: 5 });

/** Counts what failed `times` so far, by prompt and step. Bounded: the oldest is forgotten. */
const COUNTERS_MAX = 10_000;

export class Scripts {
  private readonly counts = new Map<string, number>();

  /** The step for this request, and its number. Each answer of a tool since the prompt is one step further; the last one is repeated. */
  next(o: { prompt: string; results: number; hasTools: boolean }): { step: Step; index: number } {
    const script = scriptOf(o.prompt);
    if (!o.hasTools) return { step: say(ASIDE), index: -1 };
    if (script.kind === 'none') return { step: say(`OK (stub): ${o.prompt.slice(0, HEAD_CHARS)}`), index: -1 };
    if (script.kind === 'bad')
      return { step: { ...say(''), status: 400, message: `bad script: ${script.why}` }, index: -1 };
    const index = Math.min(o.results, script.steps.length - 1);
    const step = script.steps[index];
    if (step === undefined) throw new Error('a script has at least one step');
    const { text, repeat, ...rest } = this.counted(step, `${index} ${o.prompt}`);
    return { step: { ...rest, ...(text === undefined ? {} : { text: text.repeat(repeat ?? 1) }) }, index };
  }

  private counted(step: Step, key: string): Step {
    if (step.times === undefined) return step;
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.delete(key);
    this.counts.set(key, count);
    const [oldest] = this.counts.keys();
    if (this.counts.size > COUNTERS_MAX && oldest !== undefined) this.counts.delete(oldest);
    if (count <= step.times) return step;
    return step.then ?? say('recovered');
  }
}
